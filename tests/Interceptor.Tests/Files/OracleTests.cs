using System.Globalization;
using System.Numerics;
using Interceptor.Capture.Files;
using Interceptor.Testing;

namespace Interceptor.Tests.Files;

/// <summary>Every shared capture against tshark's figures of it (good/oracle/files.tsv), and every damaged one against both peers (bad/PEERS.tsv).</summary>
public sealed class OracleTests
{
    /// <summary>Solaris's snoop format, which tshark reads and which is named and refused here.</summary>
    private static readonly HashSet<string> SnoopFiles = ["tcptrace-all.bin", "tcptrace-finger.bin"];

    /// <summary>
    /// Files with custom blocks (0x00000BAD, 0x40000BAD), which tshark 4.0 numbers as frames; they are no packets, and tcpdump skips them as we do.
    /// The figures without them were computed by a separate walk over the blocks.
    /// </summary>
    private static readonly Dictionary<string, Dictionary<string, string>> WithoutCustomBlocks = new()
    {
        ["fmt-ng-spb-only.pcapng"] = new()
        {
            ["packets"] = "4",
            ["captured_bytes"] = "1312",
            ["wire_bytes"] = "1312",
            ["packets_sha256"] = "59a6a6fba9ff0daf91da9fd86ef85e1f9827c255cd2cae0ddfc8bb39731c7154",
        },
        ["fmt-ng-be-spb.pcapng"] = new()
        {
            ["packets"] = "5",
            ["captured_bytes"] = "798",
            ["wire_bytes"] = "1480",
            ["packets_sha256"] = "3c27a8de26d4735d6c1f788255b582c38e4aa4b3a6eeea406c7779d9f7b57f27",
        },
        ["fmt-ng-mixed-order.pcapng"] = new()
        {
            ["packets"] = "8",
            ["captured_bytes"] = "1040",
            ["wire_bytes"] = "2304",
            ["packets_sha256"] = "d3ca53ab6991a9102f6e3a5820888393d4f42866b9cf900fe572417305b749ac",
        },
    };

    public static TheoryData<string> GoodFiles => Names("good", "oracle/files.tsv");

    public static TheoryData<string> BadFiles => Names("bad", "PEERS.tsv");

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(GoodFiles))]
    public void A_capture_has_the_packets_that_tshark_reads(string file)
    {
        string root = ProjectPaths.RequireSharedCaptures();
        Dictionary<string, string> row = Table.Read(Path.Combine(root, "good", "oracle", "files.tsv"))[file];
        foreach ((string column, string value) in WithoutCustomBlocks.GetValueOrDefault(file, []))
        {
            row[column] = value;
        }

        CaptureFileSummary summary = CaptureFileSummary.Read(Path.Combine(root, "good", file), hash: true);
        Assert.Null(summary.Error);
        Assert.Equal(row["packets"], Text(summary.Packets));
        Assert.Equal(row["captured_bytes"], Text(summary.CapturedBytes));
        Assert.Equal(row["wire_bytes"], Text(summary.OriginalBytes));
        Assert.Equal(row["truncated_packets"], Text(summary.TruncatedPackets));
        Assert.Equal(Wrapped(row["first_ns"]), summary.FirstPacket?.Nanoseconds);
        Assert.Equal(Wrapped(row["last_ns"]), summary.LastPacket?.Nanoseconds);
        Assert.Equal(row["linktypes"], string.Join(',', summary.LinkTypes.Select(type => (int)type)));
        Assert.Equal(row["interfaces"], Text(summary.Interfaces.Count));
        Assert.Equal(row["container"].StartsWith("pcapng", StringComparison.Ordinal), summary.Format == CaptureFileFormat.PcapNg);
        Assert.Equal(row["packets_sha256"], summary.PacketsSha256);
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(BadFiles))]
    public void A_damaged_capture_gives_at_least_the_packets_of_its_more_patient_peer(string file)
    {
        string root = ProjectPaths.RequireSharedCaptures();
        Dictionary<string, string> row = Table.Read(Path.Combine(root, "bad", "PEERS.tsv"))[file];
        long before = GC.GetAllocatedBytesForCurrentThread();
        CaptureFileSummary summary = CaptureFileSummary.Read(Path.Combine(root, "bad", file));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(allocated, 0, 4 * 1024 * 1024);
        if (SnoopFiles.Contains(file))
        {
            Assert.Equal(Capture.CaptureFileFault.UnknownFormat, summary.Error?.Fault);
            Assert.Contains("it looks like snoop", summary.Error?.Message, StringComparison.Ordinal);
            return;
        }

        int patient = Math.Max(Number(row["tshark_packets"]), Number(row["tcpdump_packets"]));
        Assert.True(summary.Packets >= patient, $"{summary.Packets} packets, a peer has {patient}; then: {summary.Error?.Message}");
        bool bothPeersComplain = row["tshark_rc"] != "0" && row["tcpdump_w_rc"] != "0";
        Assert.True(summary.Error is not null || !bothPeersComplain, "Both peers say that the file is damaged.");
        Assert.True(summary.Error is null || row["tshark_rc"] != "0" || row["tcpdump_w_rc"] != "0", $"No peer complains: {summary.Error?.Message}");
    }

    /// <summary>tshark shows the 64-bit counter as unsigned; as two's complement it is an instant before 1970.</summary>
    private static long? Wrapped(string nanoseconds) => nanoseconds.Length == 0
        ? null
        : unchecked((long)(ulong)(BigInteger.Parse(nanoseconds, CultureInfo.InvariantCulture) & ulong.MaxValue));

    private static int Number(string text) => text.Length == 0 ? 0 : int.Parse(text, CultureInfo.InvariantCulture);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static TheoryData<string> Names(string set, string table) => ProjectPaths.SharedCapturesOrNull is { } root
        ? [.. Table.Read(Path.Combine(root, set, table)).Keys]
        : [];
}
