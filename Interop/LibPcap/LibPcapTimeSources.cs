namespace Interceptor.Interop;

/// <summary>Who may stamp the packets of a device, in libpcap's words.</summary>
internal static unsafe class LibPcapTimeSources
{
    /// <summary>Every name that libpcap knows, whether a device has it or not.</summary>
    internal static readonly string[] Names = ["host", "host_lowprec", "host_hiprec", "host_hiprec_unsynced", "adapter", "adapter_unsynced"];

    /// <summary>Name and description of each that the device offers; empty where it leaves no choice and the kernel stamps.</summary>
    internal static List<(string Name, string Description)> Of(string device)
    {
        using LibPcapHandle handle = LibPcapHandle.Create(device);
        int* types;
        int count = LibPcap.pcap_list_tstamp_types(handle, &types);
        if (count < 0)
        {
            throw new LinuxException(Errno.EIO, "pcap_list_tstamp_types", $"interface {device}", handle.LastError);
        }

        var sources = new List<(string, string)>();
        for (int i = 0; i < count; i++)
        {
            byte* name = LibPcap.pcap_tstamp_type_val_to_name(types[i]);
            if (name is not null)
            {
                sources.Add((LibPcapHandle.Text(name), LibPcapHandle.Text(LibPcap.pcap_tstamp_type_val_to_description(types[i]))));
            }
        }

        if (count > 0)
        {
            LibPcap.pcap_free_tstamp_types(types);
        }

        return sources;
    }
}
