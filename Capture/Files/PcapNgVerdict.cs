namespace Interceptor.Capture.Files;

/// <summary>Who gave a verdict that a pcapng packet records (epb_verdict).</summary>
public enum PcapNgVerdictSource : byte
{
    /// <summary>The hardware.</summary>
    Hardware = 0,

    /// <summary>A Linux eBPF program at traffic control: the value is a TC_ACT_ number.</summary>
    LinuxTrafficControl = 1,

    /// <summary>A Linux eBPF program at XDP: the value is an XDP_ number.</summary>
    LinuxXdp = 2,
}

/// <summary>The verdict on a packet as pcapng records it (epb_verdict): one octet of source and a number.</summary>
/// <param name="Source">Who decided.</param>
/// <param name="Value">What; its meaning depends on the source.</param>
public readonly record struct PcapNgVerdict(PcapNgVerdictSource Source, ulong Value);
