using System.Globalization;
using System.Text;
using Interceptor.Capture.Intercept;
using Interceptor.Packets;

namespace Interceptor.Tests.Intercept.Holding;

/// <summary>A hold queue with an exit that writes down what goes on and what is dropped, in order: <c>+text</c> and <c>-text(reason)</c>, or <c>passed text</c>.</summary>
internal sealed class HoldBench
{
    internal const long Millisecond = 1_000_000;

    private static readonly IpAddress Client = IpAddress.FromIpv4(0xC0000201);
    private static readonly IpAddress Server = IpAddress.FromIpv4(0xC0000202);

    internal HoldBench(HoldOptions? options = null)
    {
        Queue = new HoldQueue(options);
        Exit = new HoldExit(() => Wakes++);
        Queue.Happened += happened => Events.Add(string.Create(CultureInfo.InvariantCulture, $"{happened.Kind} {happened.Item.Id}"));
    }

    internal HoldQueue Queue { get; }

    internal HoldExit Exit { get; }

    internal List<string> Log { get; } = [];

    internal List<byte[]> Sent { get; } = [];

    internal List<string> Events { get; } = [];

    internal int Wakes { get; private set; }

    internal long Now { get; set; }

    /// <summary>A segment from the client, of a connection of its own for each port.</summary>
    internal static byte[] Segment(uint sequence, string text, TcpFlags flags = TcpFlags.Ack | TcpFlags.Psh, ushort port = 40000, uint timestamp = 0)
    {
        PacketBuilder builder = new PacketBuilder().Ipv4(Client, Server).Tcp(port, 80, new SequenceNumber(sequence), new SequenceNumber(7), flags);
        return (timestamp == 0 ? builder : builder.NoOperation().NoOperation().Timestamps(timestamp, 1)).Payload(Encoding.Latin1.GetBytes(text)).ToArray();
    }

    internal static byte[] Datagram(string text, ushort identification = 0, ushort port = 5000) =>
        new PacketBuilder().Ipv4(Client, Server, identification: identification).Udp(port, 53).Payload(Encoding.Latin1.GetBytes(text)).ToArray();

    /// <summary>The packet comes; true where it is held.</summary>
    internal bool Come(byte[] packet, int? originalLength = null)
    {
        var arrival = new HoldArrival
        {
            Bytes = packet,
            Hook = FirewallHook.Input,
            Timestamp = new CaptureTimestamp(Now),
            OriginalLength = originalLength ?? packet.Length,
            Now = Now,
        };
        bool isHeld = Queue.TryHold(in arrival, new Duty(this), Exit);
        Exit.Flush(Now);
        if (!isHeld)
        {
            Log.Add($"passed {TextOf(packet)}");
        }

        return isHeld;
    }

    /// <summary>The exit's thread has its turn.</summary>
    internal string[] Turn(long milliseconds = 0)
    {
        Now += milliseconds * Millisecond;
        Queue.Expire(Now);
        Exit.Flush(Now);
        string[] done = [.. Log];
        Log.Clear();
        return done;
    }

    private static string TextOf(ReadOnlySpan<byte> packet) => Encoding.Latin1.GetString(PacketView.Parse(packet, LinkType.Raw, packet.Length).Payload);

    private sealed class Duty(HoldBench bench) : IHeldDuty
    {
        private bool _isDone;

        public void Release(HeldItem item, long heldFor)
        {
            Decide();
            bench.Log.Add($"+{TextOf(item.Data.Span)}{(item.IsDoubled ? " twice" : "")}");
            bench.Sent.Add(item.Data.ToArray());
        }

        public void Drop(HeldItem item, HoldReason reason, long heldFor)
        {
            Decide();
            bench.Log.Add($"-{TextOf(item.Data.Span)}({reason})");
        }

        private void Decide()
        {
            Assert.False(_isDone, "a packet was decided twice");
            _isDone = true;
        }
    }
}
