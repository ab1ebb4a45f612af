using Interceptor.Interop;

namespace Interceptor.Capture.Live;

/// <summary>Who may stamp the packets of an interface.</summary>
/// <param name="Name">libpcap's name, as <c>host</c> or <c>adapter</c>.</param>
/// <param name="Description">libpcap's words.</param>
public sealed record TimeSource(string Name, string Description)
{
    /// <summary>Every name there is, whether an interface has it or not.</summary>
    public static IReadOnlyList<string> Names => LibPcapTimeSources.Names;

    /// <summary>What an interface of the calling thread's network namespace offers; empty where there is no choice and the kernel stamps. Needs no privileges.</summary>
    /// <exception cref="LinuxException">There is no such interface.</exception>
    /// <exception cref="DllNotFoundException">libpcap is not installed.</exception>
    public static IReadOnlyList<TimeSource> Of(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return name != LiveCaptureOptions.AnyInterface && LinuxInterfaces.IndexOf(name) == 0
            ? throw LinuxInterfaces.NoSuchInterface("list time sources", name)
            : [.. LibPcapTimeSources.Of(name).Select(static source => new TimeSource(source.Name, source.Description))];
    }
}
