using System.Globalization;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Capture.Intercept;
using Interceptor.Packets;

namespace Interceptor.Cli.Commands;

/// <summary>
/// Writes intercepted packets with what became of them: one interface for each hook, with the filter; for each packet its queue, its number there, the verdict and, in words, how
/// long it was held and what the kernel knows of it (a second line of the comment). A packet that was changed is followed by what went on, with the same number and the time when it did.
/// <para>pcapng has no verdict of netfilter: the numbers are those of the kernel's traffic control, which mean the same (TC_ACT_OK, TC_ACT_SHOT).</para>
/// </summary>
internal sealed class InterceptRecorder
{
    private const ulong Passed = 0;
    private const ulong Shot = 2;

    private readonly CaptureFileWriter _file;
    private readonly PacketOrigins _origins = new();
    private readonly Dictionary<FirewallHook, int> _interfaces = [];

    /// <param name="file">Where to; stays the caller's.</param>
    /// <param name="hooks">The hooks that packets are taken at.</param>
    /// <param name="filter">Which packets; empty for all.</param>
    internal InterceptRecorder(CaptureFileWriter file, IReadOnlyList<FirewallHook> hooks, string filter)
    {
        _file = file;
        foreach (FirewallHook hook in hooks)
        {
            // Classic pcap describes one interface for all packets.
            _interfaces[hook] = file is PcapNgWriter || _interfaces.Count == 0
                ? file.AddInterface(new CaptureInterface(LinkType.Raw, 262_144, $"nfqueue:{FirewallHooks.NameOf(hook)}") { Filter = filter.Length == 0 ? null : filter })
                : 0;
        }
    }

    internal void Record(in InterceptedFate fate)
    {
        PacketMetadata metadata = fate.Packet.Metadata with { InterfaceId = _interfaces[fate.Hook] };
        var placed = new CapturedPacket(fate.Packet.Data, metadata);
        if (_file is not PcapNgWriter writer)
        {
            _file.Write(in placed);
            return;
        }

        var options = new PcapNgPacketOptions
        {
            Queue = fate.Queue,
            PacketId = fate.Id,
            Direction = fate.Hook switch
            {
                FirewallHook.Input or FirewallHook.Prerouting => PacketDirection.Inbound,
                FirewallHook.Output or FirewallHook.Postrouting => PacketDirection.Outbound,
                _ => PacketDirection.Unknown,
            },
        };
        bool isChanged = !fate.Changed.IsEmpty;
        writer.Write(in placed, options with
        {
            Comment = $"verdict: {InterceptReport.VerdictText(in fate)}{(_origins.Read(in fate).Words() is { Length: > 0 } words ? "\n" + words : "")}",
            Verdict = new PcapNgVerdict(PcapNgVerdictSource.LinuxTrafficControl, fate.Decision.Drop || isChanged ? Shot : Passed),
        });
        if (isChanged)
        {
            var changed = new CapturedPacket(
                fate.Changed, metadata with { Timestamp = metadata.Timestamp + fate.HeldNanoseconds, OriginalLength = fate.Changed.Length });
            writer.Write(in changed, options with
            {
                Comment = string.Create(CultureInfo.InvariantCulture, $"what went on instead of packet {fate.Id} of queue {fate.Queue}"),
                Verdict = new PcapNgVerdict(PcapNgVerdictSource.LinuxTrafficControl, Passed),
            });
        }
    }
}
