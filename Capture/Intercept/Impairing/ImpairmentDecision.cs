namespace Interceptor.Capture.Intercept;

/// <summary>What is done to one packet.</summary>
/// <param name="Drop">It ends here.</param>
/// <param name="DelayNanoseconds">How long it is kept; 0 passes it at once.</param>
public readonly record struct ImpairmentDecision(bool Drop, long DelayNanoseconds)
{
    /// <summary>It comes twice.</summary>
    public bool Duplicate { get; init; }

    /// <summary>It did not wait for the delay that others have.</summary>
    public bool Overtakes { get; init; }

    /// <summary>One bit of it is turned over.</summary>
    public bool Corrupt { get; init; }

    /// <summary>Which: this number, modulo the bits behind the IP header.</summary>
    public uint CorruptBit { get; init; }

    /// <summary>It ends here, and the connection with it: both ends get a reset.</summary>
    public bool Reset { get; init; }

    /// <summary>Nothing is done to it.</summary>
    public bool IsNone => !Drop && DelayNanoseconds == 0 && !Duplicate && !Overtakes && !Corrupt;
}
