using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>
/// Builds packets header by header, from the outside in; <see cref="Build(Span{byte})"/> fills in lengths and checksums. The first header decides the link type.
/// Reusable: <see cref="Clear"/> starts the next packet in the same buffer, so that a loop allocates nothing. Not thread-safe.
/// </summary>
/// <example>
/// <code>
/// byte[] packet = new PacketBuilder()
///     .Ipv4(client, server)
///     .Tcp(49152, 80, new(1), default, TcpFlags.Syn).MaximumSegmentSize(1460).SackPermitted().WindowScale(7)
///     .ToArray();
/// </code>
/// </example>
public sealed partial class PacketBuilder
{
    private const int NoHeader = -1;

    private byte[] _buffer;
    private int _length;
    private int _minimumLength;
    private bool _isFinished;

    // Where the field lies that names the next header, and how wide it is: 2 for an Ethernet type, 1 for an IP protocol.
    private int _nextField = NoHeader;
    private int _nextFieldWidth;

    /// <summary>A builder with room for <paramref name="capacity"/> bytes before it has to grow.</summary>
    public PacketBuilder(int capacity = 2048)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        _buffer = new byte[capacity];
        Clear();
    }

    /// <summary>What the first byte belongs to; <see cref="LinkType.Raw"/> until an outer header is added.</summary>
    public LinkType LinkType { get; private set; }

    /// <summary>Bytes so far, without options' and link padding still to come.</summary>
    public int Length => _length;

    /// <summary>Forgets the packet and keeps the buffer.</summary>
    public PacketBuilder Clear()
    {
        LinkType = LinkType.Raw;
        _length = 0;
        _minimumLength = 0;
        _isFinished = false;
        _nextField = NoHeader;
        _tcpHeader = NoHeader;
        return this;
    }

    /// <summary>Adds an Ethernet header.</summary>
    public PacketBuilder Ethernet(MacAddress source, MacAddress destination)
    {
        LinkType = LinkType.Ethernet;
        Span<byte> header = Append(EthernetView.Length);
        destination.CopyTo(header);
        source.CopyTo(header[6..]);
        ExpectNext(_length - 2, 2);
        return this;
    }

    /// <summary>Adds a VLAN tag.</summary>
    /// <param name="vlanId">0 to 4095.</param>
    /// <param name="priority">0 to 7.</param>
    /// <param name="etherType">0x8100 for a customer tag, 0x88A8 for a service tag.</param>
    public PacketBuilder Vlan(int vlanId, int priority = 0, ushort etherType = EtherType.Vlan)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)vlanId, 4095u, nameof(vlanId));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)priority, 7u, nameof(priority));
        Announce(etherType);
        Span<byte> tag = Append(VlanView.Length);
        BinaryPrimitives.WriteUInt16BigEndian(tag, (ushort)((priority << 13) | vlanId));
        ExpectNext(_length - 2, 2);
        return this;
    }

    /// <summary>Adds a Linux cooked header, version 1, of a packet sent to us over Ethernet.</summary>
    public PacketBuilder LinuxCooked(MacAddress sender)
    {
        LinkType = LinkType.LinuxCooked;
        Span<byte> header = Append(LinuxCookedView.Length);
        header[3] = 1;
        header[5] = MacAddress.Length;
        sender.CopyTo(header[6..]);
        ExpectNext(_length - 2, 2);
        return this;
    }

    /// <summary>Adds an ARP packet for IPv4 over Ethernet.</summary>
    /// <param name="operation">1 request, 2 reply.</param>
    /// <param name="senderHardware">Sender's Ethernet address.</param>
    /// <param name="sender">Sender's IPv4 address.</param>
    /// <param name="targetHardware">Target's Ethernet address; zero in a request.</param>
    /// <param name="target">Target's IPv4 address.</param>
    public PacketBuilder Arp(ushort operation, MacAddress senderHardware, IpAddress sender, MacAddress targetHardware, IpAddress target)
    {
        RequireVersion(sender, 4);
        RequireVersion(target, 4);
        Announce(EtherType.Arp);
        Span<byte> packet = Append(28);
        packet[1] = 1;
        packet[2] = 8;
        packet[4] = MacAddress.Length;
        packet[5] = 4;
        BinaryPrimitives.WriteUInt16BigEndian(packet[6..], operation);
        senderHardware.CopyTo(packet[8..]);
        sender.CopyTo(packet[14..]);
        targetHardware.CopyTo(packet[18..]);
        target.CopyTo(packet[24..]);
        return this;
    }

    /// <summary>Adds bytes as they are: payload, or a header that has no method here.</summary>
    public PacketBuilder Payload(ReadOnlySpan<byte> data)
    {
        FinishOptions();
        data.CopyTo(Append(data.Length));
        return this;
    }

    /// <summary>Pads the whole packet with zeros behind its end, as Ethernet does to reach 60 bytes; the padding is in no length field.</summary>
    public PacketBuilder PadTo(int length)
    {
        _minimumLength = length;
        return this;
    }

    /// <summary>The finished packet as a new array.</summary>
    public byte[] ToArray() => Finish().ToArray();

    /// <summary>Writes the finished packet to <paramref name="destination"/> and returns its length.</summary>
    /// <exception cref="ArgumentException">The packet is longer than the destination.</exception>
    public int Build(Span<byte> destination)
    {
        ReadOnlySpan<byte> packet = Finish();
        packet.CopyTo(destination);
        return packet.Length;
    }

    /// <summary>The finished packet in a lease of <paramref name="pool"/>, which the caller owns.</summary>
    public PacketLease ToLease(PacketLeasePool pool, CaptureTimestamp timestamp = default)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ReadOnlySpan<byte> packet = Finish();
        PacketLease lease = pool.Rent(packet.Length);
        packet.CopyTo(lease.WritableData);
        lease.Metadata = new PacketMetadata { Timestamp = timestamp, HasTimestamp = true, OriginalLength = packet.Length, LinkType = LinkType };
        return lease;
    }

    /// <summary>The finished packet in the builder's own buffer: valid until the builder is used again.</summary>
    public ReadOnlySpan<byte> Finish()
    {
        FinishOptions();
        if (!_isFinished)
        {
            PacketChecksums.FixLengthsAndChecksums(_buffer.AsSpan(0, _length), LinkType);
            _isFinished = true;
        }

        int content = _length;
        if (_minimumLength > content)
        {
            Append(_minimumLength - content);
            _length = content;
            _isFinished = true;
        }

        return _buffer.AsSpan(0, Math.Max(content, _minimumLength));
    }

    private static void RequireVersion(IpAddress address, int version)
    {
        if (address.Version != version)
        {
            throw new ArgumentException($"An IPv{version} address is needed here; {address} is none.", nameof(address));
        }
    }

    /// <summary>Room for <paramref name="length"/> more bytes, all zero.</summary>
    private Span<byte> Append(int length)
    {
        int start = _length;
        if (_buffer.Length - start < length)
        {
            Array.Resize(ref _buffer, Math.Max(start + length, _buffer.Length * 2));
        }

        _length += length;
        _isFinished = false;
        Span<byte> added = _buffer.AsSpan(start, length);
        added.Clear();
        return added;
    }

    /// <summary>Notes where the header just added names its successor.</summary>
    private void ExpectNext(int field, int width)
    {
        _nextField = field;
        _nextFieldWidth = width;
    }

    /// <summary>Writes the number of the header that comes next into the header before it.</summary>
    private void Announce(ushort number)
    {
        FinishOptions();
        if (_nextField >= 0 && _nextFieldWidth == 2)
        {
            BinaryPrimitives.WriteUInt16BigEndian(_buffer.AsSpan(_nextField), number);
        }
        else if (_nextField >= 0)
        {
            _buffer[_nextField] = (byte)number;
        }

        _nextField = NoHeader;
    }
}
