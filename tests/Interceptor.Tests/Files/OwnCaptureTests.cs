using System.Security.Cryptography;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Testing;

namespace Interceptor.Tests.Files;

public sealed class OwnCaptureTests
{
    private const long Base = TestPackets.SomeTime;

    public static TheoryData<string> Names => [.. OwnCaptures.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_capture_is_what_its_maker_makes_and_its_hash_is_documented(string name)
    {
        byte[] made = OwnCaptures.All[name]();
        string path = Path.Combine(ProjectPaths.OwnCaptures, name);
        if (Environment.GetEnvironmentVariable("INTERCEPTOR_UPDATE_GOLDEN") == "1")
        {
            File.WriteAllBytes(path, made);
        }

        Assert.Equal(made, File.ReadAllBytes(path));
        string readme = File.ReadAllText(Path.Combine(ProjectPaths.OwnCaptures, "README.md"));
        Assert.Contains($"| `{name}` | `{Convert.ToHexStringLower(SHA256.HashData(made))}` |", readme, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pcap-nanoseconds.pcap", 3, Base, Base + 2_000_002)]
    [InlineData("pcap-microseconds.pcap", 3, Base - 789, Base + 2_000_000 - 789)]
    [InlineData("pcap-cut-by-snap-length.pcap", 3, Base, Base + 2_000_002)]
    [InlineData("pcap-kuznetzov-big-endian.pcap", 3, Base - 789, Base + 2_000_000 - 789)]
    [InlineData("pcap-ends-inside-a-packet.pcap", 2, Base, Base + 1_000_001)]
    [InlineData("pcapng-options-of-every-kind.pcapng", 3, Base, Base + 2_000_002)]
    [InlineData("pcapng-obsolete-packet-blocks.pcapng", 3, Base, Base + 2_000_002)]
    [InlineData("pcapng-time-before-1970.pcapng", 3, -1L, 2_000_001L)]
    [InlineData("pcapng-packets-without-time.pcapng", 3, null, null)]
    [InlineData("pcapng-two-byte-orders-binary-resolution.pcapng", 2, 1_700_000_001_000_488_281L, 1_700_000_001_500_000_000L)]
    public void A_capture_shows_what_it_is_named_after(string name, int packets, long? first, long? last)
    {
        CaptureFileSummary summary = CaptureFileSummary.Read(Path.Combine(ProjectPaths.OwnCaptures, name));
        Assert.Equal((packets, first, last), (summary.Packets, summary.FirstPacket?.Nanoseconds, summary.LastPacket?.Nanoseconds));
        Assert.Equal(name.Contains("ends-inside", StringComparison.Ordinal) ? CaptureFileFault.Truncated : null, summary.Error?.Fault);
        Assert.Equal(name.Contains("cut-by", StringComparison.Ordinal) ? 3 : 0, summary.TruncatedPackets);
        Assert.Equal(name.Contains("every-kind", StringComparison.Ordinal) || name.Contains("obsolete", StringComparison.Ordinal) ? 3 : null, summary.Dropped);
    }
}
