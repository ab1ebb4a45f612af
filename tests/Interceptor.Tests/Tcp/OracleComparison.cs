using System.Globalization;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Tests.Tcp;

/// <summary>What the tracker says of one shared capture beside what tshark says of it (good/oracle/streams.tsv and payload.tsv).</summary>
internal sealed class OracleComparison
{
    private readonly Dictionary<string, string>[] _streams;
    private readonly Dictionary<string, Dictionary<string, string>> _payloads;

    private OracleComparison(string root, string file)
    {
        string oracle = Path.Combine(root, "good", "oracle");
        _streams = [.. Rows(Path.Combine(oracle, "streams.tsv")).Where(row => row["file"] == file)];
        _payloads = Rows(Path.Combine(oracle, "payload.tsv")).Where(row => row["file"] == file).ToDictionary(row => row["stream"]);
    }

    /// <summary>One line for each figure that differs.</summary>
    internal List<string> Differences { get; } = [];

    internal int Streams => _streams.Length;

    internal int HashesCompared { get; private set; }

    internal long ConflictingBytes { get; private set; }

    internal static OracleComparison Run(string root, string file)
    {
        var comparison = new OracleComparison(root, file);
        var tracker = new TcpTracker();
        using CaptureFileReader reader = CaptureFile.OpenRead(Path.Combine(root, "good", file));
        while (reader.TryRead(out CapturedPacket packet))
        {
            PacketView view = packet.Parse();
            tracker.Process(in view, packet.Metadata.Timestamp, packet.Metadata.Number);
        }

        tracker.Finish();
        comparison.Compare(tracker);
        return comparison;
    }

    private void Compare(TcpTracker tracker)
    {
        if (tracker.Connections.Count != _streams.Length)
        {
            Differences.Add($"connections: {tracker.Connections.Count} instead of {_streams.Length}");
            return;
        }

        foreach ((TcpConnection connection, Dictionary<string, string> row) in tracker.Connections.Zip(_streams))
        {
            string name = $"stream {row["stream"]}";
            Expect(name, "first packet", connection.FirstPacketNumber.ToString(CultureInfo.InvariantCulture), row["first_frame"]);
            CompareSide($"{name} a", "a", connection.First, row);
            CompareSide($"{name} b", "b", connection.Second, row);
        }
    }

    private void CompareSide(string name, string side, TcpEndpoint end, Dictionary<string, string> row)
    {
        ConflictingBytes += end.Stream.ConflictingBytes;
        Expect(name, "address", end.Address.Address.ToString(), row[$"{side}_addr"]);
        Expect(name, "port", Text(end.Address.Port), row[$"{side}_port"]);
        Expect(name, "packets", Text(end.Counters.Packets), row[$"{side}_packets"]);
        Expect(name, "payload", Text(end.Counters.PayloadBytes), row[$"{side}_payload"]);
        Expect(name, "unique", Text(end.Stream.StreamBytes), row[$"{side}_unique"]);
        Expect(name, "missing", Text(end.Stream.MissingBytes), row[$"{side}_missing"]);
        Expect(name, "isn", end.Send.Iss?.ToString() ?? "", row[$"{side}_isn"]);
        CompareQueue(name, side, end, row);
        if (_payloads.TryGetValue(row["stream"], out Dictionary<string, string>? payload) && payload[$"{side}_equals_unique"] == "1")
        {
            HashesCompared++;
            Expect(name, "sha256", Convert.ToHexStringLower(end.Stream.Sha256!), payload[$"{side}_sha256"]);
        }
    }

    // tshark's highest numbers, sent and acknowledged; the model takes what was acknowledged unseen as sent.
    private void CompareQueue(string name, string side, TcpEndpoint end, Dictionary<string, string> row)
    {
        if (!uint.TryParse(row[$"{side}_snd_nxt"], CultureInfo.InvariantCulture, out uint sent)
            || !uint.TryParse(row[$"{side}_snd_una"], CultureInfo.InvariantCulture, out uint acknowledged))
        {
            return;
        }

        SequenceNumber expected = SequenceNumber.Max(new SequenceNumber(sent), new SequenceNumber(acknowledged));
        Expect(name, "snd_nxt", end.Send.SndNxt.ToString(), expected.ToString());
        Expect(name, "snd_una", end.Send.SndUna.ToString(), row[$"{side}_snd_una"]);
    }

    private void Expect(string name, string what, string actual, string expected)
    {
        if (actual != expected)
        {
            Differences.Add($"{name} {what}: {actual} instead of {expected}");
        }
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    internal static IEnumerable<Dictionary<string, string>> Rows(string path)
    {
        string[] lines = File.ReadAllLines(path);
        string[] header = lines[0].Split('\t');
        return lines.Skip(1).Where(line => line.Length > 0)
            .Select(line => header.Zip(line.Split('\t')).ToDictionary(pair => pair.First, pair => pair.Second));
    }
}
