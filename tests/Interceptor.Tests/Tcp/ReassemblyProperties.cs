using System.Security.Cryptography;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Streams;
using Interceptor.Testing.Tcp;

namespace Interceptor.Tests.Tcp;

/// <summary>Seeded transfers through a network that loses nothing for good but repeats, reorders and cuts anew: whatever order the observer sees, the streams come out the same.</summary>
public sealed class ReassemblyProperties
{
    private const int StreamLength = 20_000;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Any_order_repetition_and_overlap_of_segments_gives_the_same_stream(int seed)
    {
        var random = new Random(seed);
        byte[] stream = new byte[StreamLength];
        random.NextBytes(stream);
        uint iss = unchecked((uint)-random.Next(1, StreamLength));
        var tracker = new TcpTracker();
        long at = 0;
        Show(tracker, new TcpSegment { Sequence = new(iss), Flags = TcpFlags.Syn, WindowField = 65535 }, ref at);
        foreach ((int start, int length) in Segments(random))
        {
            var segment = new TcpSegment
            {
                Sequence = new SequenceNumber(iss) + 1 + start,
                Flags = TcpFlags.Ack,
                WindowField = 65535,
                Length = length,
                Payload = stream.AsSpan(start, length),
            };
            Show(tracker, segment, ref at);
        }

        tracker.Finish();
        TcpEndpoint sender = tracker.Connections[0].Client;
        Assert.Equal(StreamLength, sender.Stream.StreamBytes);
        Assert.Equal(0, sender.Stream.MissingBytes);
        Assert.Equal(0, sender.Stream.UnhashedBytes);
        Assert.Equal(SHA256.HashData(stream), sender.Stream.Sha256);
        Assert.Equal(new SequenceNumber(iss) + 1 + StreamLength, sender.Send.SndNxt);
        Assert.Equal(new SequenceNumber(iss) + 1 + StreamLength, sender.Peer.Receive.RcvNxt);
        Assert.Equal(0, sender.Peer.ReceiveQueue.OutOfOrderBytes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void A_stream_of_single_bytes_between_holes_is_hashed_in_order_whichever_end_it_begins_at(int direction)
    {
        // Enough to reach the bound on held pieces, from where on each further one passes over a hole.
        const int Count = 200_000;
        var tracker = new TcpTracker();
        long at = 0;
        Show(tracker, new TcpSegment { Sequence = new(0), Flags = TcpFlags.Syn, WindowField = 65535 }, ref at);
        byte[] stream = new byte[Count];
        new Random(1).NextBytes(stream);
        for (int i = 0; i < Count; i++)
        {
            int index = direction > 0 ? i : Count - 1 - i;
            var segment = new TcpSegment
            {
                Sequence = new SequenceNumber(2) + (2 * index),
                Flags = TcpFlags.Ack,
                WindowField = 65535,
                Length = 1,
                Payload = stream.AsSpan(index, 1),
            };
            Show(tracker, segment, ref at);
            Assert.InRange(tracker.Connections[0].Client.Stream.HeldBytes, 0, StreamAssembler.MaximumHeld / 64);
        }

        tracker.Finish();
        StreamAssembler result = tracker.Connections[0].Client.Stream;
        if (direction > 0)
        {
            Assert.Equal(SHA256.HashData(stream), result.Sha256);
        }

        Assert.Equal(Count, result.StreamBytes);
        Assert.Equal(Count - 1, result.MissingBytes);
        Assert.Equal(direction > 0, result.UnhashedBytes == 0);
    }

    [Fact]
    public void Text_that_turns_out_to_lie_before_the_syn_is_left_out_of_the_hash()
    {
        var tracker = new TcpTracker();
        long at = 0;
        byte[] text = "0123456789"u8.ToArray();
        Show(tracker, new TcpSegment { Sequence = new(100), Flags = TcpFlags.Ack, WindowField = 65535, Length = 5, Payload = text.AsSpan(0, 5) }, ref at);
        Show(tracker, new TcpSegment { Sequence = new(94), Flags = TcpFlags.Ack, WindowField = 65535, Length = 5, Payload = text.AsSpan(5, 5) }, ref at);
        Show(tracker, new TcpSegment { Sequence = new(99), Flags = TcpFlags.Syn, WindowField = 65535 }, ref at);
        tracker.Finish();
        Assert.Equal(SHA256.HashData(text.AsSpan(0, 5)), Assert.Single(tracker.Connections).Client.Stream.Sha256);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Any_sequence_of_operations_keeps_the_order_of_the_queues_numbers(int seed)
    {
        var random = new Random(seed);
        var queue = new WriteQueue(new SequenceNumber(uint.MaxValue - (uint)random.Next(500)), keepsBytes: true);
        var written = new List<byte>();
        long acknowledged = 0;
        for (int step = 0; step < 400; step++)
        {
            switch (random.Next(5))
            {
                case 0 when !queue.FinQueued:
                    byte[] data = new byte[random.Next(1, 300)];
                    random.NextBytes(data);
                    queue.Append(data);
                    written.AddRange(data);
                    break;
                case 1:
                    queue.PushPending(100, queue.SndUna + random.Next(1000), step, 200, _ => random.Next(8) > 0);
                    break;
                case 2:
                    acknowledged += queue.Acknowledge(queue.SndUna + random.Next(-50, 600), step, 200).Bytes;
                    break;
                case 3:
                    queue.EventRetransmitted(queue.SndUna, queue.SndUna + 100, step);
                    break;
                default:
                    if (step > 380)
                    {
                        queue.QueueFin();
                    }

                    break;
            }

            Assert.True(queue.SndUna <= queue.SndNxt && queue.SndNxt <= queue.WriteSeq);
            Assert.Equal(queue.SndUna != queue.SndNxt, queue.RetransmitDeadline.HasValue);
            Assert.Equal(written.Count - acknowledged, queue.QueuedBytes);
            Assert.Equal(queue.QueuedBytes, queue.InFlightBytes + queue.UnsentBytes);
            byte[] kept = new byte[queue.QueuedBytes];
            Assert.Equal(kept.Length, queue.CopyBytes(queue.SndUna, kept));
            Assert.Equal(written.Skip((int)acknowledged), kept);
        }
    }

    // Covers the stream, cuts it anew several times, repeats, and shuffles within a distance.
    private static List<(int Start, int Length)> Segments(Random random)
    {
        List<(int Start, int Length)> segments = [];
        for (int round = 0; round < 3; round++)
        {
            for (int start = 0; start < StreamLength;)
            {
                int length = Math.Min(random.Next(1, 1400), StreamLength - start);
                if (round == 0 || random.Next(3) == 0)
                {
                    segments.Add((start, length));
                }

                start += length;
            }
        }

        (int, int)[] shuffled = [.. segments];
        random.Shuffle(shuffled);
        return [.. shuffled];
    }

    private static void Show(TcpTracker tracker, in TcpSegment segment, ref long at)
    {
        at += 100_000;
        tracker.Process(new FlowKey(TrackerScript.Local, TrackerScript.Peer, IpProtocol.Tcp), in segment, new CaptureTimestamp(at), at / 100_000);
    }
}
