using System.Buffers.Binary;
using System.Runtime.ExceptionServices;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>Setting up, and what the kernel sends: packets, acknowledgements and errors.</summary>
public sealed partial class InterceptionQueue
{
    private bool _hasAnswer;
    private int _answer;
    private bool _hasConfigAnswer;
    private int _configAnswer;

    private void Configure(InterceptionQueueOptions options)
    {
        // One message binds and sets everything: between a bind and its copy mode the kernel would drop what arrives.
        int errno = Bind(options, options.Flags);
        if (errno == Errno.EOPNOTSUPP)
        {
            errno = Bind(options, InterceptionQueueFlags.None);
            if (errno == 0)
            {
                TryFlagsOneByOne(options.Flags);
                return;
            }
        }

        if (errno != 0)
        {
            throw BindFailure(errno);
        }

        Flags = options.Flags;
    }

    private void TryFlagsOneByOne(InterceptionQueueFlags wanted)
    {
        foreach (InterceptionQueueFlags flag in Enum.GetValues<InterceptionQueueFlags>())
        {
            if (flag == InterceptionQueueFlags.None || !wanted.HasFlag(flag))
            {
                continue;
            }

            if (SendFlag(flag) == 0)
            {
                Flags |= flag;
            }
            else
            {
                RefusedFlags |= flag;
            }
        }
    }

    private int SendFlag(InterceptionQueueFlags flag)
    {
        Span<byte> buffer = stackalloc byte[64];
        var writer = new NetlinkWriter(buffer);
        BeginConfig(ref writer);
        WriteFlags(ref writer, flag, flag);
        writer.EndMessage();
        return SendConfig(buffer[..writer.Length]);
    }

    private int Bind(InterceptionQueueOptions options, InterceptionQueueFlags flags)
    {
        Span<byte> buffer = stackalloc byte[128];
        var writer = new NetlinkWriter(buffer);
        BeginConfig(ref writer);
        writer.Attribute(QueueProtocol.ConfigCommand, [QueueProtocol.CommandBind, 0, 0, 0]);
        Span<byte> parameters = stackalloc byte[5];
        BinaryPrimitives.WriteUInt32BigEndian(parameters, (uint)options.CopyRange);
        parameters[4] = QueueProtocol.CopyPacket;
        writer.Attribute(QueueProtocol.ConfigParams, parameters);
        writer.AttributeBigEndian(QueueProtocol.ConfigQueueMaxLength, (uint)options.MaxLength);
        if (flags != InterceptionQueueFlags.None)
        {
            WriteFlags(ref writer, flags, flags);
        }

        writer.EndMessage();
        return SendConfig(buffer[..writer.Length]);
    }

    private void BeginConfig(ref NetlinkWriter writer) => writer.BeginNetfilterMessage(
        QueueProtocol.ConfigMessage, NetlinkWriter.Request | NetlinkWriter.Acknowledge, 0, 0, Number);

    private static void WriteFlags(ref NetlinkWriter writer, InterceptionQueueFlags flags, InterceptionQueueFlags mask)
    {
        writer.AttributeBigEndian(QueueProtocol.ConfigMask, (uint)mask);
        writer.AttributeBigEndian(QueueProtocol.ConfigFlags, (uint)flags);
    }

    // The kernel answers within the send. Packets may stand before the answer where the firewall's rule was there first: they get the default.
    private int SendConfig(ReadOnlySpan<byte> message)
    {
        _hasConfigAnswer = false;
        _socket.Send(message);
        while (!_hasConfigAnswer && ReceiveBatch(null, out _) != NetlinkReceiveResult.Empty)
        {
        }

        return _hasConfigAnswer ? _configAnswer : Errno.ENOBUFS;
    }

    private LinuxException BindFailure(int errno)
    {
        // A number that another socket has answers EPERM as well (its port id differs), or EBUSY for the same one.
        if (errno is Errno.EPERM or Errno.EBUSY && ReadKernelCounters() is { } owner)
        {
            return new LinuxException(
                Errno.EBUSY, "bind", $"queue {Number}",
                $"Another process has this queue number here (netlink port {owner.PortId}): choose another number, or end that process.");
        }

        string? remedy = errno == Errno.EPERM ? "It needs CAP_NET_ADMIN: run as root, or inside: unshare -Urn." : null;
        return new LinuxException(errno, "bind", $"queue {Number}", remedy);
    }

    private int TakeDatagram(int slot, CaptureTimestamp now, InterceptedPacketHandler? handler, ref ExceptionDispatchInfo? failure)
    {
        int packets = 0;
        int offset = 0;
        var reader = new NetlinkReader(_buffer.Message(slot));
        while (reader.TryRead(out NetlinkMessage message))
        {
            int bodyOffset = offset + NetlinkMessage.HeaderLength;
            offset = bodyOffset + NetlinkWriter.Align(message.Body.Length);
            if (message.Type == QueueProtocol.PacketMessage)
            {
                packets += TakePacket(message.Body, slot, bodyOffset, now, failure is null ? handler : null, ref failure);
            }
            else if (message.Type == NetlinkMessage.Error)
            {
                TakeAnswer(message.Body);
            }
        }

        if (reader.IsMalformed)
        {
            CountMalformed();
        }

        return packets;
    }

    private int TakePacket(
        ReadOnlySpan<byte> body, int slot, int bodyOffset, CaptureTimestamp now, InterceptedPacketHandler? handler, ref ExceptionDispatchInfo? failure)
    {
        QueuePacketFields fields = QueuePacketFields.Parse(body);
        if (fields.IsMalformed)
        {
            CountMalformed();
        }

        if (!fields.HasId)
        {
            return 0;
        }

        lock (_gate)
        {
            _received++;
        }

        _lent.Lend(in fields, slot, bodyOffset, fields.TimestampNanoseconds > 0 ? new CaptureTimestamp(fields.TimestampNanoseconds) : now);
        if (handler is not null && !fields.IsMalformed)
        {
            try
            {
                handler(_lent);
            }
#pragma warning disable CA1031 // Carried on after every packet of the batch has its verdict.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        }

        DecideByDefault(_lent);
        return 1;
    }

    private void CountMalformed()
    {
        lock (_gate)
        {
            _malformed++;
        }
    }

    private void TakeAnswer(ReadOnlySpan<byte> body)
    {
        if (!QueueAnswer.TryParse(body, out QueueAnswer answer))
        {
            CountMalformed();
            return;
        }

        switch (answer.Type)
        {
            case QueueProtocol.ConfigMessage:
                _hasConfigAnswer = true;
                _configAnswer = answer.Errno;
                break;
            case QueueProtocol.VerdictMessage:
                if (answer.IsAcknowledgement)
                {
                    _hasAnswer = true;
                    _answer = answer.Errno;
                }

                CountLost(in answer, 1);
                break;
            case QueueProtocol.VerdictBatchMessage:
                CountLost(in answer, answer.Sequence);
                break;
            default:
                break;
        }
    }

    /// <summary>
    /// A verdict failed: the packets move from the fate they were counted under to "lost". The kernel answers each verdict that fails, asked for or not; a batch fails only
    /// if the kernel had none of its packets, so a batch that was lost in part does not show. Packets that are kept are never decided in a batch, but by <see cref="AcceptBatch"/>.
    /// </summary>
    private void CountLost(in QueueAnswer answer, uint packets)
    {
        if (answer.Errno == 0)
        {
            return;
        }

        answer.ReadVerdict(out bool isDrop, out bool isEdit);
        lock (_gate)
        {
            ref long fate = ref isDrop ? ref _dropped : ref isEdit ? ref _edited : ref _accepted;
            fate -= packets;
            _lost += packets;
        }
    }
}
