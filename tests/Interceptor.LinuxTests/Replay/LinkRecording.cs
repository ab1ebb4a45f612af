using System.Diagnostics;
using System.Globalization;
using Interceptor.Capture.Files;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Replay;

/// <summary>What comes in on an interface, recorded by tcpdump until a number of packets from one hardware address have come.</summary>
internal sealed class LinkRecording : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Process _tcpdump;
    private readonly string _path;

    /// <summary>
    /// Returns when it captures. In immediate mode each slot of tcpdump's ring is as long as the snap length: with the default one there are eight.
    /// </summary>
    internal LinkRecording(NetworkNamespace network, string interfaceName, string path, int packets, params string[] filter)
    {
        _path = path;
        _tcpdump = ChildProcess.Start(network, "tcpdump", ["-i", interfaceName, "-w", path, "-U", "-Z", "root",
            "--immediate-mode", "-s", "2048", "-B", "8192", "-c", packets.ToString(CultureInfo.InvariantCulture), .. filter]);
        string? line;
        do
        {
            line = _tcpdump.StandardError.ReadLine();
            Assert.NotNull(line);
        }
        while (!line.Contains("listening on", StringComparison.Ordinal));
    }

    /// <summary>Waits for the last packet.</summary>
    /// <returns>The packets, and the time from the first to the last in ns.</returns>
    internal (List<byte[]> Frames, long Span) ReadAll()
    {
        Assert.True(_tcpdump.WaitForExit(Deadline), "tcpdump did not see all packets.");
        var frames = new List<byte[]>();
        long first = 0;
        long last = 0;
        using CaptureFileReader reader = CaptureFile.OpenRead(_path);
        while (reader.TryRead(out CapturedPacket packet))
        {
            last = packet.Metadata.Timestamp.Nanoseconds;
            first = frames.Count == 0 ? last : first;
            frames.Add(packet.Data.ToArray());
        }

        return (frames, last - first);
    }

    public void Dispose()
    {
        if (!_tcpdump.HasExited)
        {
            _tcpdump.Kill();
            _tcpdump.WaitForExit();
        }

        _tcpdump.Dispose();
    }
}
