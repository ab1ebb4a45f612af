namespace Interceptor.Replay.Rewriting;

/// <summary>What the stages of a rewrite did. While they run, another thread may look at it; the numbers are then of slightly different instants.</summary>
public sealed class RewriteReport
{
    private readonly RewriteReasonCount?[] _written = new RewriteReasonCount?[Enum.GetValues<RewriteReason>().Length];
    private readonly RewriteReasonCount?[] _dropped = new RewriteReasonCount?[Enum.GetValues<RewriteReason>().Length];

    /// <summary>Packets that are not of the slice.</summary>
    public long OutsideSlice { get; internal set; }

    /// <summary>Packets left out because their bytes were there shortly before.</summary>
    public long Duplicates { get; internal set; }

    /// <summary>Packets that did not match the filter.</summary>
    public long NotMatching { get; internal set; }

    /// <summary>Packets of which bytes changed.</summary>
    public long Edited { get; internal set; }

    /// <summary>Packets that were longer than the MTU and became several.</summary>
    public long Cut { get; internal set; }

    /// <summary>What they became.</summary>
    public long Pieces { get; internal set; }

    /// <summary>Packets left out because the capture does not hold all of them, as was asked for.</summary>
    public long DroppedAsTruncated { get; internal set; }

    /// <summary>Packets that could not be edited and were written as they were.</summary>
    public long NotEditable { get; private set; }

    /// <summary>Packets that could not be anonymised and were left out.</summary>
    public long DroppedAsNotEditable { get; private set; }

    /// <summary>Why packets were not edited, those left out behind those written.</summary>
    public IEnumerable<RewriteReasonCount> Reasons => _written.Concat(_dropped).OfType<RewriteReasonCount>();

    internal void AddNotEditable(RewriteReason reason, long number, bool isDropped)
    {
        if (isDropped)
        {
            DroppedAsNotEditable++;
        }
        else
        {
            NotEditable++;
        }

        ((isDropped ? _dropped : _written)[(int)reason] ??= new RewriteReasonCount(reason, isDropped)).Add(number);
    }
}
