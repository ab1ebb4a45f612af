using Interceptor.Filters;

namespace Interceptor.Capture.Intercept;

/// <content>What a person or a program does to what is held.</content>
public sealed partial class HoldQueue
{
    /// <summary>Nothing more is held but what comes behind held packets of its direction. What is held stays so.</summary>
    public void Pause() => SetHolding(false);

    /// <summary>Holds again.</summary>
    public void Continue() => SetHolding(true);

    /// <summary>Lets one packet go on, before others of its connection if there are older ones; false where it is held no longer.</summary>
    public bool Release(long id) => Leave(id, isDropped: false);

    /// <summary>Lets all go on, in order of arrival; returns how many.</summary>
    public int ReleaseAll() => LeaveFirst(int.MaxValue, isDropped: false);

    /// <summary>Lets the oldest go on, in order of arrival; returns how many.</summary>
    /// <param name="count">How many at most.</param>
    public int ReleaseFirst(int count) => LeaveFirst(count, isDropped: false);

    /// <summary>Lets go on, in order of arrival, all up to and with a packet; returns how many, 0 where it is held no longer.</summary>
    public int ReleaseUntil(long id) => LeaveUntil(entry => entry.Item.Id == id);

    /// <summary>Lets go on, in order of arrival, all up to and with the first that matches; returns how many, 0 where none matches.</summary>
    /// <param name="filter">Compiled for raw IP.</param>
    public int ReleaseUntil(PacketFilter filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return LeaveUntil(entry => filter.Matches(entry.Item.Data.Span, entry.Item.OriginalLength));
    }

    /// <summary>Drops one packet; false where it is held no longer.</summary>
    public bool Drop(long id) => Leave(id, isDropped: true);

    /// <summary>Drops all; returns how many.</summary>
    public int DropAll() => LeaveFirst(int.MaxValue, isDropped: true);

    /// <summary>It shall go on twice, or once only again; false where it is held no longer.</summary>
    public bool SetDoubled(long id, bool isDoubled)
    {
        lock (_gate)
        {
            if (!_byId.TryGetValue(id, out HeldEntry? entry))
            {
                return false;
            }

            entry.Item = entry.Item with { IsDoubled = isDoubled };
            Tell(HoldEventKind.Edited, entry.Item, HoldReason.Command);
            return true;
        }
    }

    /// <summary>Changes the bytes that will go on; lengths and checksums are made right. Nothing is changed where it fails.</summary>
    /// <param name="id">Which.</param>
    /// <param name="edits">What, in order.</param>
    /// <param name="reason">Why not, as a sentence.</param>
    public bool TryEdit(long id, IReadOnlyList<HeldEdit> edits, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? reason)
    {
        ArgumentNullException.ThrowIfNull(edits);
        lock (_gate)
        {
            if (!_byId.TryGetValue(id, out HeldEntry? entry))
            {
                reason = $"packet {id} is held no longer.";
                return false;
            }

            if (entry.Item.IsTruncated)
            {
                reason = $"packet {id} is not wholly here ({entry.Item.Data.Length} of {entry.Item.OriginalLength} bytes).";
                return false;
            }

            if (!HeldPacketEditor.TryApply(entry.Item.Data, edits, out byte[] edited, out reason))
            {
                return false;
            }

            _bytes += edited.Length - entry.Item.Data.Length;
            entry.Item = entry.Item with { Data = edited, OriginalLength = edited.Length, IsEdited = true };
            Tell(HoldEventKind.Edited, entry.Item, HoldReason.Command);
            return true;
        }
    }

    private void SetHolding(bool isHolding)
    {
        lock (_gate)
        {
            _isHolding = isHolding;
        }
    }

    private bool Leave(long id, bool isDropped)
    {
        lock (_gate)
        {
            if (!_byId.TryGetValue(id, out HeldEntry? entry))
            {
                return false;
            }

            LeaveLocked(entry, isDropped, HoldReason.Command);
            return true;
        }
    }

    private int LeaveFirst(int count, bool isDropped)
    {
        lock (_gate)
        {
            return LeaveFirstLocked(count, isDropped);
        }
    }

    private int LeaveFirstLocked(int count, bool isDropped)
    {
        int left = 0;
        while (left < count && _order.First is { } oldest)
        {
            LeaveLocked(oldest.Value, isDropped, HoldReason.Command);
            left++;
        }

        return left;
    }

    private int LeaveUntil(Predicate<HeldEntry> isLast)
    {
        lock (_gate)
        {
            int count = 0;
            foreach (HeldEntry entry in _order)
            {
                count++;
                if (isLast(entry))
                {
                    return LeaveFirstLocked(count, isDropped: false);
                }
            }

            return 0;
        }
    }
}
