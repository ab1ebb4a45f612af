using System.Diagnostics.CodeAnalysis;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// A packet that waits in the kernel for <b>exactly one</b> verdict: a second one throws, none at all (the handler returned, or a kept packet
/// was disposed) is the queue's default, counted in <see cref="InterceptStatistics.Defaulted"/>.
/// <para>Ownership: the object given to a handler is lent and reused for the next packet. <see cref="Keep"/> moves the duty to decide to an object
/// of its own with a copy of the bytes; its owner decides or disposes it.</para>
/// <para>Threads: a lent packet belongs to the receiving thread; a kept one may be decided on any thread, one at a time, and its verdict
/// leaves with the queue's next <see cref="InterceptionQueue.FlushVerdicts"/>.</para>
/// </summary>
public sealed class InterceptedPacket : IDisposable
{
    private readonly InterceptionQueue _queue;
    private QueuePacketFields _fields;
    private PacketLease? _lease;
    private int _slot;
    private int _bodyOffset;

    internal InterceptedPacket(InterceptionQueue queue) => _queue = queue;

    /// <summary>The kernel's number of the packet in its queue: rises by one for each packet and wraps at 2^32.</summary>
    public uint Id => _fields.Id;

    /// <summary>Where it was taken.</summary>
    public FirewallHook Hook => (FirewallHook)_fields.Hook;

    /// <summary>The EtherType: 0x0800 or 0x86dd.</summary>
    public int EtherType => _fields.Protocol;

    /// <summary>The packet's mark.</summary>
    public uint Mark => _fields.Mark;

    /// <summary>Index of the interface it came in by; 0 if none.</summary>
    public int InInterface => (int)_fields.InDevice;

    /// <summary>Index of the interface it goes out by; 0 if none.</summary>
    public int OutInterface => (int)_fields.OutDevice;

    /// <summary>The sending socket's user, where the kernel knows it.</summary>
    public long? UserId => _fields.UserId;

    /// <summary>The sending socket's group, where the kernel knows it.</summary>
    public long? GroupId => _fields.GroupId;

    /// <summary>Who sent it on the link, from its Ethernet header: known where it came in by an interface, before it is routed out.</summary>
    public MacAddress? HardwareAddress => _fields.HardwareAddress;

    /// <summary>Index of the bridge's port that it came in by; 0 where no bridge had it.</summary>
    public int PhysicalInInterface => (int)_fields.PhysicalInDevice;

    /// <summary>Index of the bridge's port that it goes out by; 0 where no bridge has it.</summary>
    public int PhysicalOutInterface => (int)_fields.PhysicalOutDevice;

    /// <summary>The VLAN tag (priority, DEI, 12 bits of identifier), where a bridge's packet has one.</summary>
    public int? VlanTag => _fields.VlanTag;

    /// <summary>The tag's EtherType, 0x8100 or 0x88a8; 0 without a tag.</summary>
    public int VlanEtherType => _fields.VlanProtocol;

    /// <summary>The packet's priority (SO_PRIORITY, or what a rule set); 0 for none.</summary>
    public uint Priority => _fields.Priority;

    /// <summary>The mark of its connection; null without <see cref="InterceptionQueueFlags.Conntrack"/>, which a kernel may refuse.</summary>
    public uint? ConntrackMark => _fields.ConntrackMark;

    /// <summary>What connection tracking says of it; null as for <see cref="ConntrackMark"/>.</summary>
    public ConntrackState? ConntrackState => (ConntrackState?)_fields.ConntrackInfo;

    /// <summary>True if the transport checksum in the bytes is not filled in yet: they must get one before they are sent again elsewhere.</summary>
    public bool IsChecksumNotReady => (_fields.SkbInfo & QueueProtocol.SkbChecksumNotReady) != 0;

    /// <summary>True for a super-packet (GSO) that the network device would segment.</summary>
    public bool IsGso => (_fields.SkbInfo & QueueProtocol.SkbGso) != 0;

    /// <summary>Bytes of the packet in the kernel.</summary>
    public int OriginalLength => _fields.OriginalLength;

    /// <summary>True if the queue's copy range cut the bytes.</summary>
    public bool IsTruncated => _fields.PayloadLength < _fields.OriginalLength;

    /// <summary>When it was received: the kernel's time where it took one (1 µs), else the time of the receive.</summary>
    public CaptureTimestamp Timestamp { get; private set; }

    /// <summary>True until it got its verdict or was kept.</summary>
    public bool IsUndecided { get; private set; }

    /// <summary>The number of the queue that it waits in.</summary>
    public ushort QueueNumber => _queue.Number;

    internal bool IsKept => _lease is not null;

    /// <summary>The bytes from the IP header on, borrowed: valid while the packet is undecided.</summary>
    public ReadOnlySpan<byte> Data
    {
        get
        {
            ThrowUnlessUndecided();
            return _lease is { } lease ? lease.Data : _queue.BorrowedBytes(_slot, _bodyOffset + _fields.PayloadOffset, _fields.PayloadLength);
        }
    }

    /// <summary>What is known besides the bytes; the link type is raw IP.</summary>
    public PacketMetadata Metadata => new()
    {
        Timestamp = Timestamp,
        HasTimestamp = true,
        OriginalLength = _fields.OriginalLength,
        LinkType = LinkType.Raw,
    };

    /// <summary>As a source would lend it.</summary>
    public CapturedPacket Packet => new(Data, Metadata);

    /// <summary>Lets it go on as it is.</summary>
    public void Accept() => _queue.Decide(this, QueueProtocol.Accept, null, default);

    /// <summary>Lets it go on with a mark; at OUTPUT a changed mark reroutes it.</summary>
    public void Accept(uint mark) => _queue.Decide(this, QueueProtocol.Accept, mark, default);

    /// <summary>
    /// Lets it go on with other bytes (the whole packet from the IP header on). Lengths and checksums are the caller's: the kernel takes the transport
    /// checksum as complete, and does not translate TCP sequence numbers.
    /// </summary>
    /// <param name="packet">The bytes.</param>
    /// <param name="mark">The mark that it goes on with; null leaves its own.</param>
    /// <exception cref="ArgumentException">No bytes, or more than 65531.</exception>
    public void AcceptEdited(ReadOnlySpan<byte> packet, uint? mark = null)
    {
        if (packet.IsEmpty || packet.Length > QueueProtocol.MaxCopyRange)
        {
            throw new ArgumentException($"An edited packet has 1 to {QueueProtocol.MaxCopyRange} bytes, not {packet.Length}.", nameof(packet));
        }

        _queue.Decide(this, QueueProtocol.Accept, mark, packet);
    }

    /// <summary>Ends its way here.</summary>
    public void Drop() => _queue.Decide(this, QueueProtocol.Drop, null, default);

    /// <summary>Moves the duty to decide to a new object with a copy of the bytes; this one is then done with.</summary>
    /// <param name="pool">Where the copy comes from; the shared pool if null.</param>
    public InterceptedPacket Keep(PacketLeasePool? pool = null)
    {
        ThrowUnlessUndecided();
        PacketLease lease = (pool ?? PacketLeasePool.Shared).Copy(Packet);
        return KeepAs(lease);
    }

    /// <summary>As <see cref="Keep"/> with a copy already made, whose claim moves along.</summary>
    internal InterceptedPacket KeepAs(PacketLease lease) => _queue.Keep(this, lease);

    /// <summary>Gives the queue's default verdict if there was none; harmless after a verdict.</summary>
    public void Dispose() => _queue.DecideByDefault(this);

    internal void Lend(in QueuePacketFields fields, int slot, int bodyOffset, CaptureTimestamp timestamp)
    {
        _fields = fields;
        _slot = slot;
        _bodyOffset = bodyOffset;
        Timestamp = timestamp;
        IsUndecided = true;
    }

    internal void TakeOver(InterceptedPacket from, PacketLease lease)
    {
        _fields = from._fields;
        _lease = lease;
        Timestamp = from.Timestamp;
        IsUndecided = true;
        from.IsUndecided = false;
    }

    internal void MarkDecided()
    {
        IsUndecided = false;
        _lease?.Dispose();
    }

    internal void ThrowUnlessUndecided()
    {
        if (!IsUndecided)
        {
            ThrowDecided();
        }
    }

    [DoesNotReturn]
    private void ThrowDecided() => throw new InvalidOperationException(
        $"Packet {Id} of queue {_queue.Number} already has its verdict, or was kept: exactly one is given, by whoever keeps it.");
}
