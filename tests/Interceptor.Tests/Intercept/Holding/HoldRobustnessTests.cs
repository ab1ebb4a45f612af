using Interceptor.Capture.Intercept;
using Interceptor.Packets;
using Interceptor.Testing;
using static Interceptor.Tests.Intercept.Holding.HoldBench;

namespace Interceptor.Tests.Intercept.Holding;

public sealed class HoldRobustnessTests
{
    private static readonly string[] Edits =
        ["ttl=1", "tos=2", "ip.id=3", "sport=4", "dport=5", "tcp.flags=SF", "tcp.seq=6", "tcp.ack=7", "tcp.window=8", "tcp.urgent=9", "payload=x", "0:45", "0:60", "2:ffff", "6:2000", "9:06", "9:11", "32:f0", "12:50"];

    /// <summary>What is no packet at all waits and goes on as it came, each in order; packets that were damaged in one or two places, too.</summary>
    [Fact]
    public void Any_bytes_are_held_and_go_on_as_they_came() => PropertyCheck.ForAllBytes(bytes =>
    {
        var bench = new HoldBench();
        byte[][] packets = [bytes, Damaged(Segment(100, "text"), bytes), Damaged(Datagram("text", 7), bytes), Damaged(Segment(0x7F010203, "", TcpFlags.Syn), bytes)];
        foreach (byte[] packet in packets.Where(packet => packet.Length > 0))
        {
            Assert.True(bench.Come(packet));
        }

        bench.Queue.ReleaseAll();
        bench.Turn();
        Assert.Equal(packets.Where(packet => packet.Length > 0).Select(Convert.ToHexString), bench.Sent.Select(Convert.ToHexString));
    });

    [Fact]
    public void Any_edit_of_any_packet_is_made_or_refused() => PropertyCheck.ForAllBytes(bytes =>
    {
        byte[] packet = Damaged(bytes.Length % 2 == 0 ? Segment(100, "text") : Datagram("text"), bytes);
        HeldEdit[] edits = [.. bytes.Select(value =>
        {
            Assert.True(HeldEdit.TryParse(Edits[value % Edits.Length], out HeldEdit edit, out _));
            return edit;
        })];
        bool isDone = HeldPacketEditor.TryApply(packet, edits, out byte[] edited, out string? reason);
        Assert.Equal(isDone, reason is null);
        Assert.True(!isDone || edited.Length > 0);
    });

    private static byte[] Damaged(byte[] packet, byte[] bytes)
    {
        for (int i = 0; i + 1 < Math.Min(bytes.Length, 4); i += 2)
        {
            packet[bytes[i] % packet.Length] = bytes[i + 1];
        }

        return packet;
    }
}
