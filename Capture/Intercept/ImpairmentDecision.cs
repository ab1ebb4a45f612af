namespace Interceptor.Capture.Intercept;

/// <summary>What is done to one packet.</summary>
/// <param name="Drop">It ends here.</param>
/// <param name="DelayNanoseconds">How long it is kept; 0 passes it at once.</param>
public readonly record struct ImpairmentDecision(bool Drop, long DelayNanoseconds);
