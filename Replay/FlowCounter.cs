using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>
/// Tells new flows from known ones; both directions are one flow. Remembers a fingerprint of 64 bits for each in a table of fixed size, so that the memory stays
/// bounded and nothing is allocated: beyond <see cref="Most"/> flows it remembers no more.
/// <para>Threads: one.</para>
/// </summary>
internal sealed class FlowCounter
{
    /// <summary>Flows that are remembered.</summary>
    internal const int Most = 1 << 20;

    // Half full at most, and touched only where flows lie.
    private readonly ulong[] _slots = new ulong[2 * Most];
    private int _count;

    /// <summary>True once a flow could not be remembered: there are more.</summary>
    internal bool IsFull { get; private set; }

    /// <summary>What a packet is to the flows.</summary>
    internal ReplayRecordFlags Add(in CapturedPacket packet)
    {
        if (!packet.Parse().TryGetFlow(out FlowKey flow))
        {
            return ReplayRecordFlags.None;
        }

        FlowKey key = flow.Canonical(out _);
        ulong fingerprint = ((ulong)(uint)key.GetHashCode() << 32) | (uint)key.GetSymmetricHash();
        fingerprint = fingerprint == 0 ? 1 : fingerprint;
        int mask = _slots.Length - 1;
        for (int at = (int)(fingerprint >> 20) & mask; ; at = (at + 1) & mask)
        {
            ulong there = _slots[at];
            if (there == fingerprint)
            {
                return ReplayRecordFlags.InFlow;
            }

            if (there == 0)
            {
                return Remember(at, fingerprint);
            }
        }
    }

    private ReplayRecordFlags Remember(int at, ulong fingerprint)
    {
        if (_count == Most)
        {
            IsFull = true;
            return ReplayRecordFlags.InFlow;
        }

        _slots[at] = fingerprint;
        _count++;
        return ReplayRecordFlags.InFlow | ReplayRecordFlags.BeginsFlow;
    }
}
