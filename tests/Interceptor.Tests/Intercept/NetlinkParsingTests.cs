using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Interceptor.Capture.Intercept;
using Interceptor.Interop;
using Interceptor.Testing;

namespace Interceptor.Tests.Intercept;

public sealed class NetlinkParsingTests
{
    [Fact]
    public void What_is_written_is_read_back()
    {
        byte[] buffer = new byte[256];
        var writer = new NetlinkWriter(buffer);
        writer.BeginNetfilterMessage(QueueProtocol.PacketMessage, NetlinkWriter.Request, 77, 2, 5);
        writer.Attribute(QueueProtocol.PacketHeader, [0, 0, 1, 2, 0x86, 0xdd, 3]);
        writer.AttributeBigEndian(QueueProtocol.Mark, 0x11223344);
        writer.AttributeBigEndian(QueueProtocol.SkbInfo, 3);
        writer.Attribute(QueueProtocol.Payload, [1, 2, 3, 4, 5]);
        writer.AttributeBigEndian(QueueProtocol.CapLength, 900);
        writer.EndMessage();
        Assert.Equal(0, writer.Length % 4);

        var reader = new NetlinkReader(buffer.AsSpan(0, writer.Length));
        Assert.True(reader.TryRead(out NetlinkMessage message));
        Assert.Equal((QueueProtocol.PacketMessage, 77u), (message.Type, message.Sequence));
        QueuePacketFields fields = QueuePacketFields.Parse(message.Body);
        Assert.False(fields.IsMalformed);
        Assert.Equal((0x102u, 0x86dd, 3, 0x11223344u, 3u), (fields.Id, fields.Protocol, fields.Hook, fields.Mark, fields.SkbInfo));
        Assert.Equal((5, 900), (fields.PayloadLength, fields.OriginalLength));
        Assert.Equal([1, 2, 3, 4, 5], message.Body.Slice(fields.PayloadOffset, fields.PayloadLength).ToArray());
        Assert.False(reader.TryRead(out _));
        Assert.False(reader.IsMalformed);
    }

    [Fact]
    public void Every_cut_of_a_message_is_survived_and_seen()
    {
        byte[] whole = PacketMessage();
        for (int length = 1; length < whole.Length; length++)
        {
            var reader = new NetlinkReader(whole.AsSpan(0, length));
            Assert.False(reader.TryRead(out _));
            Assert.True(reader.IsMalformed, $"cut at {length}");

            // The same with a header that claims no more than there is: the attributes are cut instead.
            if (length >= NetlinkMessage.HeaderLength + 4)
            {
                QueuePacketFields fields = QueuePacketFields.Parse(whole.AsSpan(NetlinkMessage.HeaderLength, length - NetlinkMessage.HeaderLength));
                Assert.True(fields.PayloadOffset + fields.PayloadLength <= length);
            }
        }
    }

    [Fact]
    public void Any_bytes_are_read_without_an_exception_and_nothing_lies_outside() => PropertyCheck.ForAllBytes(bytes =>
    {
        var reader = new NetlinkReader(bytes);
        while (reader.TryRead(out NetlinkMessage message))
        {
            QueuePacketFields fields = QueuePacketFields.Parse(message.Body);
            Assert.InRange(fields.PayloadOffset + fields.PayloadLength, 0, message.Body.Length);
        }
    });

    [Fact]
    public void Any_changed_byte_of_a_packet_message_is_survived() => PropertyCheck.ForAllBytes(
        bytes =>
        {
            byte[] message = PacketMessage();
            for (int i = 0; i + 1 < bytes.Length; i += 2)
            {
                message[bytes[i] % message.Length] = bytes[i + 1];
            }

            var reader = new NetlinkReader(message);
            while (reader.TryRead(out NetlinkMessage read))
            {
                QueuePacketFields fields = QueuePacketFields.Parse(read.Body);
                Assert.InRange(fields.PayloadOffset + fields.PayloadLength, 0, read.Body.Length);
                Assert.True(fields.OriginalLength >= fields.PayloadLength);
            }
        },
        maximumLength: 16);

    [Fact]
    public void The_line_of_the_queue_in_proc_is_understood()
    {
        const string Text = "   41  31337     0 2 65531     0     0        0  1\n  100   4242    17 2   128     3     9     1234  1\n";
        Assert.True(KernelQueueCounters.TryParse(Text, 100, out KernelQueueCounters counters));
        Assert.Equal(new KernelQueueCounters(100, 4242, 17, 128, 3, 9, 1234), counters);
        Assert.False(KernelQueueCounters.TryParse(Text, 7, out _));
        Assert.False(KernelQueueCounters.TryParse("100 x y\n\n100", 100, out _));
    }

    private static byte[] PacketMessage()
    {
        byte[] buffer = new byte[128];
        var writer = new NetlinkWriter(buffer);
        writer.BeginNetfilterMessage(QueueProtocol.PacketMessage, 0, 0, 2, 5);
        writer.Attribute(QueueProtocol.PacketHeader, [0, 0, 0, 9, 8, 0, 1]);
        Span<byte> time = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(time, 1_700_000_000);
        writer.Attribute(QueueProtocol.Timestamp, time);
        writer.AttributeBigEndian(QueueProtocol.Uid, 1000);
        writer.Attribute(QueueProtocol.Payload, new byte[20]);
        writer.EndMessage();
        byte[] message = buffer[..writer.Length];
        Assert.Equal((uint)message.Length, MemoryMarshal.Read<uint>(message));
        return message;
    }
}
