using System.Reflection;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Imports from libpcap 1.10 (Debian's <c>libpcap.so.0.8</c>), by their own names. Wrappers that judge a result are in <see cref="LibPcapHandle"/>,
/// <see cref="LibPcapDevices"/>, <see cref="LibPcapTimeSources"/>, and <see cref="LibPcapReader"/>, which has the only callback.
/// </summary>
internal static unsafe partial class LibPcap
{
    /// <summary>The soname: what the run-time package installs, without the development package's link.</summary>
    private const string Library = "libpcap.so.0.8";

    internal const int PCAP_ERRBUF_SIZE = 256;
    internal const uint PCAP_NETMASK_UNKNOWN = 0xFFFF_FFFF;
    internal const int PCAP_TSTAMP_PRECISION_NANO = 1;

    internal const int PCAP_ERROR = -1;
    internal const int PCAP_ERROR_NO_SUCH_DEVICE = -5;
    internal const int PCAP_ERROR_PERM_DENIED = -8;
    internal const int PCAP_ERROR_IFACE_NOT_UP = -9;
    internal const int PCAP_ERROR_PROMISC_PERM_DENIED = -11;

    internal const uint PCAP_IF_LOOPBACK = 1;
    internal const uint PCAP_IF_UP = 2;
    internal const uint PCAP_IF_RUNNING = 4;

    /// <summary>
    /// The compiler has been reentrant since 1.8, but resolves names through libc's and libpcap's shared tables; one at a time costs nothing.
    /// </summary>
    internal static Lock CompilerLock { get; } = new();

    /// <summary>Fails in words where the library is absent, instead of at the first call.</summary>
    /// <exception cref="DllNotFoundException">Not installed; the message has the remedy.</exception>
    internal static void Require()
    {
        if (!Presence.IsLoaded)
        {
            throw new DllNotFoundException(
                $"{Library} can't be loaded: filters and live capture need it. Install it with: apt-get install libpcap0.8.");
        }
    }

    [LibraryImport(Library)]
    internal static partial LibPcapHandle pcap_open_dead(int linktype, int snaplen);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial LibPcapHandle pcap_open_offline(string fname, byte* errbuf);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial LibPcapHandle pcap_create(string source, byte* errbuf);

    [LibraryImport(Library)]
    internal static partial void pcap_close(nint p);

    [LibraryImport(Library)]
    internal static partial byte* pcap_geterr(LibPcapHandle p);

    [LibraryImport(Library)]
    internal static partial byte* pcap_statustostr(int error);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int pcap_compile(LibPcapHandle p, PcapProgram* fp, string str, int optimize, uint netmask);

    [LibraryImport(Library)]
    internal static partial void pcap_freecode(PcapProgram* fp);

    [LibraryImport(Library)]
    internal static partial int pcap_offline_filter(PcapProgram* fp, PcapPacketHeader* h, byte* pkt);

    [LibraryImport(Library)]
    internal static partial byte* bpf_image(PcapInstruction* instruction, int index);

    [LibraryImport(Library)]
    internal static partial int pcap_set_snaplen(LibPcapHandle p, int snaplen);

    [LibraryImport(Library)]
    internal static partial int pcap_set_promisc(LibPcapHandle p, int promisc);

    [LibraryImport(Library)]
    internal static partial int pcap_set_timeout(LibPcapHandle p, int milliseconds);

    [LibraryImport(Library)]
    internal static partial int pcap_set_buffer_size(LibPcapHandle p, int bytes);

    [LibraryImport(Library)]
    internal static partial int pcap_set_immediate_mode(LibPcapHandle p, int immediate);

    [LibraryImport(Library)]
    internal static partial int pcap_set_tstamp_precision(LibPcapHandle p, int precision);

    [LibraryImport(Library)]
    internal static partial int pcap_get_tstamp_precision(LibPcapHandle p);

    [LibraryImport(Library)]
    internal static partial int pcap_activate(LibPcapHandle p);

    [LibraryImport(Library)]
    internal static partial int pcap_setfilter(LibPcapHandle p, PcapProgram* fp);

    [LibraryImport(Library)]
    internal static partial int pcap_dispatch(
        LibPcapHandle p, int count, delegate* unmanaged[Cdecl]<byte*, PcapPacketHeader*, byte*, void> callback, byte* user);

    [LibraryImport(Library)]
    internal static partial int pcap_setnonblock(LibPcapHandle p, int nonblock, byte* errbuf);

    [LibraryImport(Library)]
    internal static partial int pcap_get_selectable_fd(LibPcapHandle p);

    [LibraryImport(Library)]
    internal static partial int pcap_set_datalink(LibPcapHandle p, int dlt);

    [LibraryImport(Library)]
    internal static partial int pcap_set_tstamp_type(LibPcapHandle p, int type);

    [LibraryImport(Library)]
    internal static partial int pcap_list_tstamp_types(LibPcapHandle p, int** types);

    [LibraryImport(Library)]
    internal static partial void pcap_free_tstamp_types(int* types);

    [LibraryImport(Library)]
    internal static partial byte* pcap_tstamp_type_val_to_name(int type);

    [LibraryImport(Library)]
    internal static partial byte* pcap_tstamp_type_val_to_description(int type);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int pcap_tstamp_type_name_to_val(string name);

    [LibraryImport(Library)]
    internal static partial int pcap_stats(LibPcapHandle p, PcapCounters* counters);

    [LibraryImport(Library)]
    internal static partial int pcap_datalink(LibPcapHandle p);

    [LibraryImport(Library)]
    internal static partial int pcap_snapshot(LibPcapHandle p);

    [LibraryImport(Library)]
    internal static partial int pcap_findalldevs(PcapDevice** devices, byte* errbuf);

    [LibraryImport(Library)]
    internal static partial void pcap_freealldevs(PcapDevice* devices);

    /// <summary>Tried once for the process.</summary>
    private static class Presence
    {
        internal static readonly bool IsLoaded = NativeLibrary.TryLoad(Library, Assembly.GetExecutingAssembly(), null, out _);
    }
}
