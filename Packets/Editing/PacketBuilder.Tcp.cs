using System.Buffers.Binary;

namespace Interceptor.Packets;

public sealed partial class PacketBuilder
{
    /// <summary>Most bytes that options may take.</summary>
    public const int MaximumTcpOptionsLength = 40;

    private int _tcpHeader = NoHeader;

    /// <summary>Adds a TCP header; options follow with the methods below, before the payload.</summary>
    /// <param name="sourcePort">Source port.</param>
    /// <param name="destinationPort">Destination port.</param>
    /// <param name="sequence">Sequence number.</param>
    /// <param name="acknowledgment">Acknowledgment number.</param>
    /// <param name="flags">Control bits.</param>
    /// <param name="windowField">The raw 16 bits of the window.</param>
    /// <param name="urgentPointer">Urgent pointer.</param>
    public PacketBuilder Tcp(
        ushort sourcePort, ushort destinationPort, SequenceNumber sequence, SequenceNumber acknowledgment, TcpFlags flags,
        ushort windowField = 64240, ushort urgentPointer = 0)
    {
        Announce(IpProtocol.Tcp);
        _tcpHeader = _length;
        Span<byte> header = Append(TcpView.MinimumLength);
        BinaryPrimitives.WriteUInt16BigEndian(header, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], destinationPort);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], sequence.Value);
        BinaryPrimitives.WriteUInt32BigEndian(header[8..], acknowledgment.Value);
        BinaryPrimitives.WriteUInt16BigEndian(header[12..], (ushort)(0x5000 | ((int)flags & 0x0FFF)));
        BinaryPrimitives.WriteUInt16BigEndian(header[14..], windowField);
        BinaryPrimitives.WriteUInt16BigEndian(header[18..], urgentPointer);
        return this;
    }

    /// <summary>Adds a TCP option.</summary>
    /// <param name="kind">Its kind; padding is <see cref="NoOperation"/>.</param>
    /// <param name="data">What comes behind kind and length.</param>
    public PacketBuilder TcpOption(TcpOptionKind kind, ReadOnlySpan<byte> data)
    {
        Span<byte> option = AppendOption(data.Length + 2);
        option[0] = (byte)kind;
        option[1] = (byte)(data.Length + 2);
        data.CopyTo(option[2..]);
        return this;
    }

    /// <summary>Adds options as they are, to send on what was read or to build what is malformed.</summary>
    public PacketBuilder TcpOptions(ReadOnlySpan<byte> options)
    {
        options.CopyTo(AppendOption(options.Length));
        return this;
    }

    /// <summary>Adds a no-operation.</summary>
    public PacketBuilder NoOperation()
    {
        AppendOption(1)[0] = (byte)TcpOptionKind.NoOperation;
        return this;
    }

    /// <summary>Adds the maximum segment size option.</summary>
    public PacketBuilder MaximumSegmentSize(ushort value)
    {
        Span<byte> data = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(data, value);
        return TcpOption(TcpOptionKind.MaximumSegmentSize, data);
    }

    /// <summary>Adds the window scale option.</summary>
    public PacketBuilder WindowScale(byte shift) => TcpOption(TcpOptionKind.WindowScale, [shift]);

    /// <summary>Adds the SACK permitted option.</summary>
    public PacketBuilder SackPermitted() => TcpOption(TcpOptionKind.SackPermitted, []);

    /// <summary>Adds the timestamps option.</summary>
    public PacketBuilder Timestamps(uint value, uint echo)
    {
        Span<byte> data = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32BigEndian(data, value);
        BinaryPrimitives.WriteUInt32BigEndian(data[4..], echo);
        return TcpOption(TcpOptionKind.Timestamps, data);
    }

    /// <summary>Adds a SACK option of up to four blocks.</summary>
    public PacketBuilder Sack(params ReadOnlySpan<SackBlock> blocks)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(blocks.Length, 4, nameof(blocks));
        Span<byte> data = stackalloc byte[32];
        for (int i = 0; i < blocks.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(data[(8 * i)..], blocks[i].Left.Value);
            BinaryPrimitives.WriteUInt32BigEndian(data[((8 * i) + 4)..], blocks[i].Right.Value);
        }

        return TcpOption(TcpOptionKind.Sack, data[..(8 * blocks.Length)]);
    }

    private Span<byte> AppendOption(int length)
    {
        if (_tcpHeader < 0)
        {
            throw new InvalidOperationException("A TCP option was added where no TCP header stands before it, or behind the payload.");
        }

        int options = _length - _tcpHeader - TcpView.MinimumLength;
        if (options + length > MaximumTcpOptionsLength)
        {
            throw new InvalidOperationException($"TCP options take at most {MaximumTcpOptionsLength} bytes; {options + length} were added.");
        }

        return Append(length);
    }

    /// <summary>Pads the options to whole words with end-of-list bytes and sets the data offset.</summary>
    private void FinishOptions()
    {
        if (_tcpHeader < 0)
        {
            return;
        }

        int header = _tcpHeader;
        int padding = -(_length - header) & 3;
        Append(padding);
        int words = (_length - header) / 4;
        _buffer[header + 12] = (byte)((words << 4) | (_buffer[header + 12] & 0x0F));
        _tcpHeader = NoHeader;
    }
}
