namespace Interceptor.Capture.Live;

/// <summary>What to do where capturing is refused. Never capabilities on the program's file: that is the dotnet host, which every .NET program on the machine shares.</summary>
internal static class CapturePermission
{
    internal const string Remedy = "Capturing, in promiscuous mode too, needs CAP_NET_RAW: run as root (-Z USER drops its privileges once the interface is open), or give the process "
        + "that capability alone, by setpriv --ambient-caps or by AmbientCapabilities= in a systemd unit. docs/capture.md shows how.";
}
