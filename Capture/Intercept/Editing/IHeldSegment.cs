namespace Interceptor.Capture.Intercept;

/// <summary>A segment whose verdict waits until its bytes are decided.</summary>
internal interface IHeldSegment
{
    /// <summary>The packet from its IP header on, as it came; valid until it goes on or is dropped.</summary>
    ReadOnlySpan<byte> Bytes { get; }
}
