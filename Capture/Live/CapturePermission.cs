namespace Interceptor.Capture.Live;

/// <summary>What to do where capturing is refused. Never capabilities on the dotnet host, which every .NET program on the machine shares: a copy of our launcher may have them.</summary>
internal static class CapturePermission
{
    internal const string Remedy = "Capturing, in promiscuous mode too, needs CAP_NET_RAW: run as root (capture -Z USER drops its privileges once the interface is open), or give the process "
        + "that capability alone: by setpriv --ambient-caps, by AmbientCapabilities= in a systemd unit, or by setcap on a copy of the interceptor program for one group "
        + "(never on dotnet). docs/capture.md shows how.";
}
