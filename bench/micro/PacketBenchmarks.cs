using BenchmarkDotNet.Attributes;
using Interceptor.Capture.Files;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Streams;

namespace Interceptor.MicroBench;

/// <summary>What a packet costs in each stage, over the first packets of one capture: each figure is of <see cref="Count"/> packets divided by their number.</summary>
[MemoryDiagnoser]
public class PacketBenchmarks
{
    /// <summary>Packets of a pass: their bytes stay in the processor's caches.</summary>
    private const int Count = 10_000;

    private readonly List<(byte[] Data, PacketMetadata Metadata)> _packets = [];
    private readonly PacketFormatter _formatter = new();
    private byte[] _file = [];
    private PacketFilter _filter = null!;

    /// <summary>The file that is measured.</summary>
    internal static string Capture { get; set; } = "";

    [GlobalSetup]
    public void Load()
    {
        using var file = new MemoryStream();
        using (CaptureFileReader reader = CaptureFile.OpenRead(Capture))
        using (var writer = new PcapNgWriter(file, leaveOpen: true))
        {
            while (_packets.Count < Count && reader.TryRead(out CapturedPacket packet))
            {
                _packets.Add((packet.Data.ToArray(), packet.Metadata));
                writer.Write(packet);
            }
        }

        if (_packets.Count < Count)
        {
            throw new InvalidOperationException($"{Capture} has {_packets.Count} packets; {Count} are needed.");
        }

        _file = file.ToArray();
        _filter = PacketFilter.Compile("tcp port 80", _packets[0].Metadata.LinkType);
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public long Read()
    {
        long bytes = 0;
        using CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(_file, writable: false), "memory");
        while (reader.TryRead(out CapturedPacket packet))
        {
            bytes += packet.Data.Length;
        }

        return bytes;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public long Write()
    {
        using var writer = new PcapNgWriter(Stream.Null);
        foreach ((byte[] data, PacketMetadata metadata) in _packets)
        {
            writer.Write(new CapturedPacket(data, metadata));
        }

        return writer.BytesWritten;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public int Filter()
    {
        int matches = 0;
        foreach ((byte[] data, PacketMetadata metadata) in _packets)
        {
            matches += _filter.Matches(data, metadata.OriginalLength) ? 1 : 0;
        }

        return matches;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public int Dissect()
    {
        int layers = 0;
        foreach ((byte[] data, PacketMetadata metadata) in _packets)
        {
            layers += PacketView.Parse(data, metadata.LinkType, metadata.OriginalLength).LayerCount;
        }

        return layers;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public int Print()
    {
        int characters = 0;
        foreach ((byte[] data, PacketMetadata metadata) in _packets)
        {
            characters += _formatter.Format(PacketView.Parse(data, metadata.LinkType, metadata.OriginalLength)).Length;
        }

        return characters;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public long Track() => Run(new TcpTracker(new TcpTrackerOptions { HashStreams = false }));

    [Benchmark(OperationsPerInvoke = Count)]
    public long Follow() => Run(new TcpTracker(new TcpTrackerOptions { HashStreams = false }, new Everything()));

    private long Run(TcpTracker tracker)
    {
        foreach ((byte[] data, PacketMetadata metadata) in _packets)
        {
            PacketView view = PacketView.Parse(data, metadata.LinkType, metadata.OriginalLength);
            tracker.Process(in view, metadata.Timestamp, metadata.Number);
        }

        tracker.Finish();
        return tracker.Segments;
    }

    private sealed class Everything : ITcpStreamConsumer
    {
        private long _bytes;

        public bool Wants(TcpEndpoint sender) => true;

        public void OnData(TcpEndpoint sender, CaptureTimestamp at, ReadOnlySpan<byte> data) => _bytes += data.Length;

        public void OnMissing(TcpEndpoint sender, CaptureTimestamp at, long length)
        {
        }
    }
}
