namespace Interceptor.Capture;

/// <summary>A packet source that reads a file or pipe in large pieces, and tells before it asks for more.</summary>
public interface IReadAheadSource : IPacketSource
{
    /// <summary>
    /// Called before more is asked for, which may wait: the moment to hand on what was read so far. What it throws comes out of
    /// <see cref="IPacketSource.TryRead"/>. Null for nothing.
    /// </summary>
    Action? BeforeRead { get; set; }

    /// <summary>What part of the capture was read, 0 to 1; null where its length is not known. Any thread may ask.</summary>
    double? Fraction { get; }
}
