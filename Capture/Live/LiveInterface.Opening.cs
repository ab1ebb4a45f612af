using Interceptor.Filters;
using Interceptor.Interop;

namespace Interceptor.Capture.Live;

public sealed partial class LiveInterface
{
    private const string Loopback = "lo";

    internal static LiveInterface Open(LiveCaptureOptions options, int id, PacketBlockQueue queue, Action<string>? notice)
    {
        Check(options);
        LibPcapHandle handle = LibPcapHandle.Create(options.Interface);
        LinkWatch? watch = null;
        try
        {
            int status = Activate(handle, options);
            int index = LinuxInterfaces.IndexOf(options.Interface);
            watch = index == 0 ? null : LinkWatch.Open(index);
            Beginning start = SetFilter(handle, watch, options);
            return new LiveInterface(handle, watch, start, options, id, queue, notice) { Warning = status == 0 ? null : LibPcapHandle.StatusText(status) };
        }
        catch
        {
            watch?.Dispose();
            handle.Dispose();
            throw;
        }
    }

    private static void Check(LiveCaptureOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrEmpty(options.Interface);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.SnapLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.SnapLength, LiveCaptureOptions.MaximumSnapLength);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.BufferBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.QueueBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.GatherTime.TotalMilliseconds);
    }

    private static int Activate(LibPcapHandle handle, LiveCaptureOptions options)
    {
        int gather = (int)Math.Clamp(options.GatherTime.TotalMilliseconds, 1, int.MaxValue);
        handle.Configure(options.SnapLength, options.Promiscuous, gather, options.BufferBytes, options.Immediate);
        if (options.TimeSource is { } source && !handle.TrySetTimeSource(source))
        {
            string offered = string.Join(", ", LibPcapTimeSources.Of(options.Interface).Select(static at => at.Name));
            throw new LinuxException(Errno.EOPNOTSUPP, $"set time source {source}", $"interface {options.Interface}",
                offered.Length == 0 ? "It offers no choice: the kernel stamps its packets." : $"It offers: {offered}.");
        }

        int status = handle.Activate();
        if (status < 0)
        {
            throw ActivationFailure(status, options.Interface, handle.LastError);
        }

        if (options.Interface == LiveCaptureOptions.AnyInterface)
        {
            // The newer cooked header tells the interface; where libpcap has not got it, the older one stays.
            handle.TrySetDataLink(LibPcapLinkType.DLT_LINUX_SLL2);
        }

        return status;
    }

    private static Beginning SetFilter(LibPcapHandle handle, LinkWatch? watch, LiveCaptureOptions options)
    {
        if (options.Filter.Contains('\0'))
        {
            throw new FilterSyntaxException(options.Filter, options.Filter.IndexOf('\0'), "a zero character can't be part of a filter");
        }

        if (handle.Compile(options.Filter, out string error) is null)
        {
            throw new FilterSyntaxException(options.Filter, -1, error);
        }

        handle.TryRejectAll();
        if (!handle.TrySetFilter(options.Filter, out error))
        {
            throw new FilterSyntaxException(options.Filter, -1, error);
        }

        return PutIntoKernel(handle, watch, options);
    }

    /// <summary>
    /// libpcap filters what was in the ring before by itself, block by block, and there it rejects what only the kernel can ask (as <c>inbound</c>): with
    /// such a filter the packets of the first block are lost. So libpcap gets no filter, the kernel the one that libpcap had made for it, and what is older
    /// is left out by its time. On loopback the kernel shows each packet twice, going out and coming in, of which libpcap skips the first when it finds it in
    /// the ring; here it is kept out of the ring, which then holds twice as many packets, and out of the counts.
    /// </summary>
    private static Beginning PutIntoKernel(LibPcapHandle handle, LinkWatch? watch, LiveCaptureOptions options)
    {
        if (handle.KernelFilter() is not { Length: > 0 } program)
        {
            return new Beginning(0, default, watch?.Query()); // No socket, or the kernel did not take the filter: libpcap filters.
        }

        if (!handle.TrySetFilter("", out _))
        {
            throw new LinuxException(Errno.EIO, "set filter", $"interface {options.Interface}", $"libpcap says: {handle.LastError}.");
        }

        handle.TryRejectAll();
        handle.TryGetCounters(out PcapCounters counters);
        LinkStatus? link = watch?.Query(); // Before the filter: what it takes must never seem more than what went through.
        var start = new Beginning(options.TimeSource is null ? Clock.RealtimeNanoseconds() : long.MinValue, counters, link);
        bool hasLoopback = options.Interface is Loopback or LiveCaptureOptions.AnyInterface;
        if (!handle.TryAttachKernelFilter(program, hasLoopback ? LinuxInterfaces.IndexOf(Loopback) : 0))
        {
            throw LinuxException.FromLastError("setsockopt(SO_ATTACH_FILTER)", $"interface {options.Interface}");
        }

        return start;
    }

    private static LinuxException ActivationFailure(int status, string name, string message)
    {
        string subject = $"interface {name}";
        return status switch
        {
            LibPcap.PCAP_ERROR_NO_SUCH_DEVICE => LinuxInterfaces.NoSuchInterface("capture", name),
            LibPcap.PCAP_ERROR_PERM_DENIED or LibPcap.PCAP_ERROR_PROMISC_PERM_DENIED =>
                new LinuxException(Errno.EPERM, "capture", subject, CapturePermission.Remedy),
            LibPcap.PCAP_ERROR_IFACE_NOT_UP =>
                new LinuxException(Errno.ENETDOWN, "capture", subject, $"Bring it up with: ip link set {name} up."),
            LibPcap.PCAP_ERROR => new LinuxException(Errno.EIO, "capture", subject, $"{message}."),
            _ => new LinuxException(Errno.EIO, "capture", subject, $"{LibPcapHandle.StatusText(status)}: {message}."),
        };
    }

    /// <summary>When the filter took effect: what is older does not count, nor what libpcap and the interface had counted by then.</summary>
    private readonly record struct Beginning(long Nanoseconds, PcapCounters Counters, LinkStatus? Link);
}
