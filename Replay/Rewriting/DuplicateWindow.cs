namespace Interceptor.Replay.Rewriting;

/// <summary>Among which packets a duplicate is looked for, as editcap has it. Immutable.</summary>
public sealed record DuplicateWindow
{
    /// <summary>Packets that are remembered at most.</summary>
    public const int MaximumPackets = 1_000_000;

    private DuplicateWindow()
    {
    }

    /// <summary>Editcap's: a packet and the four before it.</summary>
    public static DuplicateWindow Usual { get; } = OfPackets(5);

    /// <summary>The packet itself and those before it, so many together; null where time decides.</summary>
    public int? Packets { get; private init; }

    /// <summary>Packets that are not older than this, ns; null where their number decides.</summary>
    public long? Nanoseconds { get; private init; }

    /// <summary>A packet and those right before it, together so many: 2 to <see cref="MaximumPackets"/>.</summary>
    public static DuplicateWindow OfPackets(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MaximumPackets);
        return new() { Packets = count };
    }

    /// <summary>Packets that are at most so much older; of very many the latest <see cref="MaximumPackets"/>.</summary>
    public static DuplicateWindow OfTime(long nanoseconds)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(nanoseconds);
        return new() { Nanoseconds = nanoseconds };
    }
}
