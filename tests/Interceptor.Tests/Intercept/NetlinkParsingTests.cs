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
    public void What_the_kernel_knows_of_a_packet_is_read()
    {
        QueuePacketFields fields = QueuePacketFields.Parse(RichMessage().AsSpan(NetlinkMessage.HeaderLength));
        Assert.False(fields.IsMalformed);
        Assert.Equal((3u, 4u, 5u, 6u), (fields.InDevice, fields.OutDevice, fields.PhysicalInDevice, fields.PhysicalOutDevice));
        Assert.Equal("02:11:22:33:44:55", fields.HardwareAddress.ToString());
        Assert.Equal((1000u, 1001u), (fields.UserId, fields.GroupId));
        Assert.Equal(((ushort)0x2064, (ushort)0x88a8), (fields.VlanTag, fields.VlanProtocol));
        Assert.Equal((0xCAFEu, 3u, 7u), (fields.ConntrackMark, fields.ConntrackInfo, fields.Priority));
        Assert.Equal(1_700_000_000_123_456_000, fields.TimestampNanoseconds);
        Assert.Equal(20, fields.PayloadLength);
    }

    [Fact]
    public void Attributes_that_are_not_there_are_unknown()
    {
        QueuePacketFields fields = QueuePacketFields.Parse(PacketMessage().AsSpan(NetlinkMessage.HeaderLength));
        Assert.Null(fields.HardwareAddress);
        Assert.Null(fields.ConntrackMark);
        Assert.Null(fields.ConntrackInfo);
        Assert.Null(fields.VlanTag);
        Assert.Null(fields.GroupId);
    }

    [Theory]
    [InlineData(QueueProtocol.HardwareAddress, 9)]
    [InlineData(QueueProtocol.Priority, 3)]
    [InlineData(QueueProtocol.ConntrackInfo, 2)]
    [InlineData(QueueProtocol.PhysicalInDevice, 0)]
    [InlineData(QueueProtocol.Vlan, 3)]
    [InlineData(QueueProtocol.Conntrack, 5)]
    public void An_attribute_that_is_too_short_is_seen(ushort type, int length)
    {
        byte[] buffer = new byte[64];
        var writer = new NetlinkWriter(buffer);
        writer.BeginNetfilterMessage(QueueProtocol.PacketMessage, 0, 0, 2, 5);
        writer.Attribute(QueueProtocol.PacketHeader, [0, 0, 0, 9, 8, 0, 1]);
        byte[] value = new byte[length];
        Array.Fill(value, (byte)0xff);
        writer.Attribute(type, value);
        writer.EndMessage();
        QueuePacketFields fields = QueuePacketFields.Parse(buffer.AsSpan(NetlinkMessage.HeaderLength, writer.Length - NetlinkMessage.HeaderLength));
        Assert.Equal((true, true, 9u), (fields.IsMalformed, fields.HasId, fields.Id));
    }

    [Fact]
    public void A_hardware_address_of_another_length_is_none()
    {
        byte[] message = RichMessage();
        int at = message.AsSpan().IndexOf((ReadOnlySpan<byte>)[0, 6, 0, 0, 2, 0x11]);
        message[at + 1] = 8;
        QueuePacketFields fields = QueuePacketFields.Parse(message.AsSpan(NetlinkMessage.HeaderLength));
        Assert.Equal((false, null), (fields.IsMalformed, fields.HardwareAddress));
    }

    [Fact]
    public void An_answer_tells_what_failed()
    {
        byte[] buffer = new byte[128];
        var writer = new NetlinkWriter(buffer, 4);
        writer.BeginNetfilterMessage(QueueProtocol.VerdictMessage, NetlinkWriter.Request, 77, 0, 5);
        writer.Attribute(QueueProtocol.VerdictHeader, [0, 0, 0, 0, 0, 0, 0, 9]);
        writer.EndMessage();
        MemoryMarshal.Write(buffer, -2);
        Assert.True(QueueAnswer.TryParse(buffer.AsSpan(0, writer.Length), out QueueAnswer answer));
        answer.ReadVerdict(out bool isDrop, out bool isEdit);
        Assert.Equal((2, QueueProtocol.VerdictMessage, false, 77u, true, false), (answer.Errno, answer.Type, answer.IsAcknowledgement, answer.Sequence, isDrop, isEdit));
        Assert.False(QueueAnswer.TryParse(buffer.AsSpan(0, 19), out _));
    }

    [Fact]
    public void Any_answer_is_survived() => PropertyCheck.ForAllBytes(bytes =>
    {
        if (QueueAnswer.TryParse(bytes, out QueueAnswer answer))
        {
            answer.ReadVerdict(out _, out _);
        }
    });

    [Fact]
    public void Any_changed_byte_of_a_rich_message_is_survived() => PropertyCheck.ForAllBytes(
        bytes =>
        {
            byte[] message = RichMessage();
            for (int i = 0; i + 1 < bytes.Length; i += 2)
            {
                message[bytes[i] % message.Length] = bytes[i + 1];
            }

            QueuePacketFields fields = QueuePacketFields.Parse(message.AsSpan(NetlinkMessage.HeaderLength));
            Assert.InRange(fields.PayloadOffset + fields.PayloadLength, 0, message.Length - NetlinkMessage.HeaderLength);
        },
        maximumLength: 16);

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

    private static byte[] RichMessage()
    {
        byte[] buffer = new byte[512];
        var writer = new NetlinkWriter(buffer);
        writer.BeginNetfilterMessage(QueueProtocol.PacketMessage, 0, 0, 2, 5);
        writer.Attribute(QueueProtocol.PacketHeader, [0, 0, 0, 9, 8, 0, 1]);
        writer.AttributeBigEndian(QueueProtocol.InDevice, 3);
        writer.AttributeBigEndian(QueueProtocol.OutDevice, 4);
        writer.AttributeBigEndian(QueueProtocol.PhysicalInDevice, 5);
        writer.AttributeBigEndian(QueueProtocol.PhysicalOutDevice, 6);
        writer.Attribute(QueueProtocol.HardwareAddress, [0, 6, 0, 0, 2, 0x11, 0x22, 0x33, 0x44, 0x55, 0, 0]);
        writer.AttributeBigEndian(QueueProtocol.Uid, 1000);
        writer.AttributeBigEndian(QueueProtocol.Gid, 1001);
        writer.AttributeBigEndian(QueueProtocol.Priority, 7);

        // struct nlattr: length and type in host order; a list of them within another.
        const ushort Nested = 0x8000;
        writer.Attribute(QueueProtocol.Vlan | Nested, [6, 0, 1, 0, 0x88, 0xa8, 0, 0, 6, 0, 2, 0, 0x20, 0x64, 0, 0]);
        writer.Attribute(QueueProtocol.Conntrack | Nested, [8, 0, 3, 0, 0, 0, 1, 0x8e, 8, 0, 8, 0, 0, 0, 0xCA, 0xFE]);
        writer.AttributeBigEndian(QueueProtocol.ConntrackInfo, 3);
        Span<byte> time = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(time, 1_700_000_000);
        BinaryPrimitives.WriteUInt64BigEndian(time[8..], 123_456);
        writer.Attribute(QueueProtocol.Timestamp, time);
        writer.Attribute(QueueProtocol.Payload, new byte[20]);
        writer.EndMessage();
        return buffer[..writer.Length];
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
