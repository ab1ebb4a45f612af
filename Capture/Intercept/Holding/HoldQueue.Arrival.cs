using System.Runtime.InteropServices;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <content>Packets that come.</content>
public sealed partial class HoldQueue
{
    /// <summary>
    /// Takes a packet, if it is to be held. False where it passes; what was decided before goes on first (<see cref="HoldExit.Flush"/>). On the thread of the exit.
    /// </summary>
    /// <param name="arrival">The packet.</param>
    /// <param name="duty">The duty to decide about it, of one that is held. It is done by <see cref="HoldExit.Flush"/> only.</param>
    /// <param name="exit">The way out.</param>
    internal bool TryHold(in HoldArrival arrival, IHeldDuty duty, HoldExit exit)
    {
        PacketView view = PacketView.Parse(arrival.Bytes, LinkType.Raw, arrival.OriginalLength);
        view.TryGetFlow(out FlowKey flow);
        lock (_gate)
        {
            bool isHit = _options.Trigger?.Invoke(in view, arrival.Hook, arrival.Timestamp) ?? true;
            bool isBehind = flow != default && _lanes.ContainsKey(flow);
            bool isHeld = !_hasEnded && (isBehind || (isHit && _isHolding && !_isOver));
            if (isHeld)
            {
                TakeLocked(ItemOf(in arrival, in flow), HeldRange.Of(in view), duty, exit);
            }

            // It is the last one also where it is not held itself.
            if (!_isOver && _order.Count > 0 && _options.Until is { } until && until.Matches(arrival.Bytes, arrival.OriginalLength))
            {
                FinishLocked(HoldReason.Until);
            }

            return isHeld;
        }
    }

    private static HeldItem ItemOf(in HoldArrival arrival, in FlowKey flow) => new()
    {
        Id = 0,
        Hook = arrival.Hook,
        Timestamp = arrival.Timestamp,
        Since = arrival.Now,
        Flow = flow,
        Data = arrival.Bytes.ToArray(),
        OriginalLength = arrival.OriginalLength,
        IsDoubled = arrival.IsDoubled,
    };

    private void TakeLocked(HeldItem item, HeldRange range, IHeldDuty duty, HoldExit exit)
    {
        _counters.Held++;
        _firstHeldAt = _firstHeldAt < 0 ? item.Since : _firstHeldAt;
        List<HeldEntry> near = _lanes.GetValueOrDefault(item.Flow)?.Near(in range, item.Data.Span) ?? [];
        if (FindCovering(near, item, in range) is { } covering)
        {
            covering.Item = covering.Item with { Copies = covering.Item.Copies + 1 };
            DropCopyLocked(item, duty, exit);
            Tell(HoldEventKind.Copied, covering.Item, HoldReason.Copy);
            return;
        }

        List<HeldEntry> covered = [.. near.Where(entry => IsCovered(entry, item, in range))];
        if (covered.Count > 0)
        {
            SupersedeLocked(covered, item, in range, duty, exit);
            return;
        }

        if (!ShrinkLocked(item.Data.Length, incomingPackets: 1))
        {
            HoldReason reason = _order.Count >= _limits.MaxPackets ? HoldReason.Packets : HoldReason.Bytes;
            _counters.Dropped++;
            HeldItem refused = item with { Id = ++_lastId };
            exit.Decide(duty, refused, isDropped: true, reason);
            Tell(HoldEventKind.Dropped, refused, reason);
            return;
        }

        AddLocked(item with { Id = ++_lastId }, in range, duty, exit);
        Tell(HoldEventKind.Held, _order.Last!.Value.Item, default);
    }

    private void AddLocked(HeldItem item, in HeldRange range, IHeldDuty duty, HoldExit exit)
    {
        var entry = new HeldEntry(item, range, duty, exit);
        entry.Node = _order.AddLast(entry);
        _byId.Add(item.Id, entry);
        _bytes += item.Data.Length;
        ref HeldLane? lane = ref CollectionsMarshal.GetValueRefOrAddDefault(_lanes, item.Flow, out _);
        (lane ??= new HeldLane()).Add(entry);
    }

    private void DropCopyLocked(HeldItem item, IHeldDuty duty, HoldExit exit)
    {
        _counters.Copies++;
        exit.Decide(duty, item, isDropped: true, HoldReason.Copy);
    }

    // The first of those that are covered keeps its place, its number and its age; the bytes and the duty are the newcomer's, who brings all that they had.
    private void SupersedeLocked(List<HeldEntry> covered, HeldItem item, in HeldRange range, IHeldDuty duty, HoldExit exit)
    {
        HeldEntry first = covered[0];
        int copies = 0;
        foreach (HeldEntry entry in covered)
        {
            copies += 1 + entry.Item.Copies;
            DropCopyLocked(entry.Item, entry.Duty, entry.Exit);
            if (!ReferenceEquals(entry, first))
            {
                RemoveLocked(entry);
            }
        }

        _bytes += item.Data.Length - first.Item.Data.Length;
        first.Item = item with { Id = first.Item.Id, Since = first.Item.Since, Copies = copies, IsDoubled = covered.Any(static entry => entry.Item.IsDoubled) };
        _lanes[item.Flow].Replace(first, in range, item.Data);
        first.Duty = duty;
        first.Exit = exit;
        Tell(HoldEventKind.Copied, first.Item, HoldReason.Copy);
    }

    private static HeldEntry? FindCovering(List<HeldEntry> near, HeldItem item, in HeldRange range)
    {
        foreach (HeldEntry entry in near)
        {
            if (range.IsWithin(item.Data.Span, entry.Range, entry.Original.Span))
            {
                return entry;
            }
        }

        return null;
    }

    // What a person has edited is not given up for what the sender sends.
    private static bool IsCovered(HeldEntry entry, HeldItem item, in HeldRange range) =>
        !entry.Item.IsEdited && entry.Range.IsWithin(entry.Original.Span, in range, item.Data.Span);
}
