namespace Interceptor.Replay.Rewriting;

/// <summary>The packets that one reason kept from being edited.</summary>
public sealed class RewriteReasonCount(RewriteReason reason, bool isDropped)
{
    /// <summary>How many of the packets are named.</summary>
    public const int MostNamed = 10;

    private readonly long[] _first = new long[MostNamed];

    /// <summary>Why.</summary>
    public RewriteReason Reason => reason;

    /// <summary>True where they were left out, false where they were written as they were.</summary>
    public bool IsDropped => isDropped;

    /// <summary>How many.</summary>
    public long Packets { get; private set; }

    /// <summary>The numbers of the first ones in the capture, counted from 1.</summary>
    public ReadOnlySpan<long> First => _first.AsSpan(0, (int)Math.Min(Packets, MostNamed));

    internal void Add(long number)
    {
        if (Packets < MostNamed)
        {
            _first[Packets] = number;
        }

        Packets++;
    }
}
