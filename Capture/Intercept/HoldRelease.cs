namespace Interceptor.Capture.Intercept;

/// <summary>What a release did; the three add up to the packets that were held.</summary>
/// <param name="Accepted">Packets that went on.</param>
/// <param name="Dropped">Packets dropped by choice.</param>
/// <param name="Lost">Packets the kernel no longer had (ENOENT).</param>
public readonly record struct HoldRelease(int Accepted, int Dropped, int Lost);
