namespace Interceptor.Capture.Intercept;

/// <summary>
/// Where a <see cref="ConnectionEditor"/> sends what it decides. Of a segment that was taken exactly one of these is called: it goes on, is dropped, or is kept (and later goes on
/// or is dropped); without a held one the segment being taken is meant.
/// </summary>
internal interface IEditingOutput
{
    /// <summary>Keeps the segment being taken.</summary>
    /// <param name="behindGap">Until its sender has sent what is missing before it; else for a short time.</param>
    IHeldSegment Keep(bool behindGap);

    /// <summary>Goes on as it came.</summary>
    void GoOn(IHeldSegment? held);

    /// <summary>Goes on with other bytes.</summary>
    /// <param name="held">Which.</param>
    /// <param name="packet">From the IP header on, lengths and checksums right; borrowed.</param>
    /// <param name="replaced">How many replacements begin in it.</param>
    /// <param name="growth">How many bytes longer than it came all that stands for it is.</param>
    void GoOn(IHeldSegment? held, ReadOnlySpan<byte> packet, int replaced, int growth);

    /// <summary>Ends here.</summary>
    /// <param name="held">Which.</param>
    /// <param name="reason">Why, in words.</param>
    void Drop(IHeldSegment? held, string reason);

    /// <summary>Sends a packet of our own, behind all that went on before.</summary>
    void Send(ReadOnlySpan<byte> packet);
}
