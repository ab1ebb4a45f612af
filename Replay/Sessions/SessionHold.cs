using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <summary>
/// A connection's packets in both directions, held in the kernel: the peer's at PREROUTING (at INPUT they would belong to the old socket already), its own at OUTPUT, each
/// direction through a queue of its own.
/// <para>Order: Open, <see cref="InstallRules"/>, <see cref="Hold"/>, a release of each direction, <see cref="RemoveRules"/>, <see cref="Close"/>. Before the hold
/// and behind the releases packets pass. Threads: one at a time.</para>
/// </summary>
internal sealed class SessionHold : IDisposable
{
    private readonly NetworkNamespace _namespace;
    private readonly IReadOnlyList<(FlowEndpoint Local, FlowEndpoint Peer)> _connections;
    private FirewallRules? _rules;
    private bool _isClosed;

    private SessionHold(
        NetworkNamespace networkNamespace, IReadOnlyList<(FlowEndpoint Local, FlowEndpoint Peer)> connections, PacketHold inbound, PacketHold outbound)
    {
        _namespace = networkNamespace;
        _connections = connections;
        Inbound = inbound;
        Outbound = outbound;
    }

    /// <summary>The peer's packets.</summary>
    internal PacketHold Inbound { get; }

    /// <summary>The owner's packets.</summary>
    internal PacketHold Outbound { get; }

    /// <summary>Opens both queues, passing, and warms them.</summary>
    /// <param name="networkNamespace">The connection's; stays the caller's.</param>
    /// <param name="local">The owner's end.</param>
    /// <param name="peer">The other end.</param>
    /// <param name="queues">The numbers of both queues, the peer's packets' first; null takes free ones.</param>
    /// <param name="flags">How packets come; without <see cref="InterceptionQueueFlags.Gso"/> each fits the path, and its checksums are filled in.</param>
    /// <exception cref="LinuxException">EPERM without CAP_NET_ADMIN; EBUSY where another process has a number that was asked for.</exception>
    internal static SessionHold Open(
        NetworkNamespace networkNamespace, FlowEndpoint local, FlowEndpoint peer, (ushort Inbound, ushort Outbound)? queues, InterceptionQueueFlags flags) =>
        Open(networkNamespace, [(local, peer)], queues, flags);

    /// <summary>As above, for the packets of many connections in the same two queues.</summary>
    internal static SessionHold Open(
        NetworkNamespace networkNamespace, IReadOnlyList<(FlowEndpoint Local, FlowEndpoint Peer)> connections, (ushort Inbound, ushort Outbound)? queues,
        InterceptionQueueFlags flags)
    {
        PacketHold inbound = Start(queues?.Inbound, HoldDirection.In, networkNamespace, flags);
        try
        {
            PacketHold outbound = Start(queues?.Outbound, HoldDirection.Out, networkNamespace, flags);
            inbound.Warm();
            outbound.Warm();
            return new SessionHold(networkNamespace, connections, inbound, outbound);
        }
        catch
        {
            inbound.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Sends the connection's packets through the queues. Without bypass: should this process die in between, packets are dropped, and a dropped packet is sent again; a
    /// passed one would be answered with a reset.
    /// </summary>
    /// <exception cref="IOException">The firewall could not be changed; nothing was left in place.</exception>
    internal void InstallRules()
    {
        IReadOnlyList<FirewallRule> rules = SessionFlows.Rules(
            _connections, FirewallTarget.ToQueue(Inbound.QueueNumber, bypass: false), FirewallTarget.ToQueue(Outbound.QueueNumber, bypass: false));
        _rules = FirewallRules.Install(rules, new FirewallOptions { Namespace = _namespace });
    }

    /// <summary>Holds from now on: the peer's packets first, after which nothing new enters the socket.</summary>
    internal void Hold()
    {
        Inbound.Hold();
        Outbound.Hold();
    }

    /// <summary>Takes the rules away; idempotent.</summary>
    internal void RemoveRules() => _rules?.Remove();

    /// <summary>
    /// Drops what is held, both directions whatever becomes of the first; harmless once closed. For a socket that is no connection any more: what passed would be answered
    /// with a reset, by rules behind these or not.
    /// </summary>
    internal void DropAll()
    {
        if (_isClosed)
        {
            return;
        }

        try
        {
            Inbound.DropAll();
        }
        finally
        {
            Outbound.DropAll();
        }
    }

    /// <summary>Drops the packets of connections that are no more, both directions, and lets the others' go on; harmless once closed.</summary>
    internal void Release(Func<FlowKey, bool> isClosed)
    {
        foreach (PacketHold hold in (ReadOnlySpan<PacketHold>)(_isClosed ? [] : [Outbound, Inbound]))
        {
            if (hold.IsHolding)
            {
                hold.Release(packet => isClosed(FlowOf(packet)) ? HeldVerdict.Drop : HeldVerdict.Accept);
            }
        }
    }

    /// <summary>What is held, copied, by connection: as its peer sends.</summary>
    internal ILookup<FlowKey, HeldSessionPacket> CopyHeldByConnection()
    {
        Inbound.Settle();
        Outbound.Settle();
        return Inbound.Held.Concat(Outbound.Held).OrderBy(static packet => packet.Timestamp.Nanoseconds)
            .ToLookup(static packet => packet.Direction == HoldDirection.In ? FlowOf(packet) : FlowOf(packet).Reversed, CopyOf);
    }

    /// <summary>Lets everything go on that is held, the owner's packets first; returns how many there were. Harmless once closed, or where nothing is held.</summary>
    internal int ReleaseAll()
    {
        int count = 0;
        foreach (PacketHold hold in (ReadOnlySpan<PacketHold>)(_isClosed ? [] : [Outbound, Inbound]))
        {
            HoldRelease release = hold.IsHolding ? hold.Release() : default;
            count += release.Accepted + release.Dropped + release.Lost;
        }

        return count;
    }

    /// <summary>Ends the queues' threads; what they still hold passes.</summary>
    internal void Close()
    {
        _isClosed = true;
        Inbound.Dispose();
        Outbound.Dispose();
    }

    /// <summary>What is held, in order of arrival, copied; it stays held.</summary>
    internal IReadOnlyList<HeldSessionPacket> CopyHeld()
    {
        Inbound.Settle();
        Outbound.Settle();
        return [.. Inbound.Held.Concat(Outbound.Held).OrderBy(static packet => packet.Timestamp.Nanoseconds).Select(CopyOf)];
    }

    /// <summary>What the peer has sent by now, in order of arrival; it stays held.</summary>
    internal IReadOnlyList<HeldPacket> ReadInbound()
    {
        Inbound.Settle();
        return Inbound.Held;
    }

    /// <summary>The snapshot, brought up to what the owner's socket has sent behind its cut.</summary>
    internal TcpSnapshot Patch(TcpSnapshot snapshot)
    {
        Outbound.Settle();
        foreach (HeldPacket packet in Outbound.Held)
        {
            snapshot = TcpSnapshotPatch.Apply(snapshot, packet.Data, packet.OriginalLength);
        }

        return snapshot;
    }

    /// <summary>The queues first: their thread may still have packets that the rules sent it.</summary>
    public void Dispose()
    {
        try
        {
            Close();
        }
        finally
        {
            _rules?.Dispose();
        }
    }

    private static HeldSessionPacket CopyOf(HeldPacket packet) =>
        new(packet.Direction == HoldDirection.In, packet.Timestamp, packet.IsChecksumNotReady, packet.Data.ToArray());

    /// <summary>As it travels; the default for what is none, which no rule of ours sends here.</summary>
    private static FlowKey FlowOf(HeldPacket packet)
    {
        PacketView view = PacketView.Parse(packet.Data, LinkType.Raw, packet.OriginalLength);
        return view.TryGetFlow(out FlowKey flow) ? flow : default;
    }

    private static PacketHold Start(ushort? number, HoldDirection direction, NetworkNamespace networkNamespace, InterceptionQueueFlags flags)
    {
        PacketHold Open(ushort next) => PacketHold.Start(new InterceptionQueueOptions { Number = next, Flags = flags }, direction, networkNamespace);
        return number is { } asked ? Open(asked) : FreeQueue.Open(Open);
    }
}
