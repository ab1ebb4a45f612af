using Interceptor.Cli.Output;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Tests.Cli;

/// <summary>The reports of finished connections come back as they were and in the order of the ids, from memory and from the file alike.</summary>
public sealed class ConnectionLogTests
{
    private const int Connections = 3000;

    [Fact]
    public void Reports_from_the_file_are_those_from_memory_in_the_order_of_the_ids()
    {
        using var inMemory = new ConnectionLog(8 * 1024 * 1024);
        using var spilled = new ConnectionLog(8 * 1024);
        List<TcpConnectionReport> expected = Tell(inMemory);
        List<TcpConnectionReport> actual = Tell(spilled);
        Assert.Equal(Enumerable.Range(0, Connections), expected.Select(report => report.Id));
        Assert.Equal(expected, actual);
        Assert.Equal(0, inMemory.SpilledBytes);
        Assert.InRange(spilled.SpilledBytes, 8 * 8 * 1024, Connections * 400);
    }

    [Fact]
    public void A_report_is_unpacked_as_it_was_packed()
    {
        var random = new Random(3);
        byte[] packed = new byte[PackedReport<TcpConnectionReport>.MaximumLength];
        for (int i = 0; i < 1000; i++)
        {
            var report = new TcpConnectionReport
            {
                Id = random.Next(),
                LastPacketAt = new CaptureTimestamp(random.NextInt64(long.MinValue, long.MaxValue)),
                FirstPacketNumber = random.Next(300),
                Client = new FlowEndpoint(IpAddress.FromIpv4((uint)random.NextInt64(uint.MaxValue)), (ushort)random.Next(ushort.MaxValue)),
                FromServer = new TcpEndpointReport
                {
                    StreamBytes = 1L << random.Next(63),
                    Iss = random.Next(2) == 0 ? null : new SequenceNumber(uint.MaxValue),
                    Counters = new TcpDirectionCounters { Packets = long.MaxValue, Rst = random.Next(2) },
                },
            };
            int length = PackedReport<TcpConnectionReport>.Pack(in report, packed);
            Assert.Equal(report, PackedReport<TcpConnectionReport>.Unpack(packed.AsSpan(0, length)));
        }
    }

    // Opened in one order and closed in another, with a limit that lets only few closed ones stay.
    private static List<TcpConnectionReport> Tell(ConnectionLog log)
    {
        var tracker = new TcpTracker(new TcpTrackerOptions { MaximumBytes = 40_000_000, HashStreams = false }, sink: log);
        int[] order = Enumerable.Range(0, Connections).ToArray();
        foreach (int i in order)
        {
            Send(tracker, Flow(i), TcpFlags.Syn, 0, 0, i);
            Send(tracker, Flow(i).Reversed, TcpFlags.Syn | TcpFlags.Ack, 0, 1, i);
        }

        new Random(9).Shuffle(order);
        foreach (int i in order.Where(i => i % 5 != 0))
        {
            Send(tracker, Flow(i), TcpFlags.Fin | TcpFlags.Ack, 1, 1, Connections + i);
            Send(tracker, Flow(i).Reversed, TcpFlags.Fin | TcpFlags.Ack, 1, 2, Connections + i);
            Send(tracker, Flow(i), TcpFlags.Ack, 2, 2, Connections + i);
        }

        var reports = new List<TcpConnectionReport>();
        log.TellAll(tracker, new CaptureTimestamp(3 * Connections), (in TcpConnectionReport report) => reports.Add(report));
        Assert.Equal(0, tracker.Statistics.Evicted);
        return reports;
    }

    private static FlowKey Flow(int index) => new(
        new FlowEndpoint(IpAddress.FromIpv4(0x0A000000u + (uint)index), 1025), new FlowEndpoint(IpAddress.FromIpv4(0xC0000201), 80), IpProtocol.Tcp);

    private static void Send(TcpTracker tracker, FlowKey flow, TcpFlags flags, uint sequence, uint acknowledgment, long at)
    {
        var segment = new TcpSegment
        {
            Sequence = new SequenceNumber(sequence),
            Acknowledgment = new SequenceNumber(acknowledgment),
            Flags = flags,
            WindowField = 1000,
        };
        tracker.Process(in flow, in segment, new CaptureTimestamp(at), at);
    }
}
