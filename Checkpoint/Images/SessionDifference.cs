namespace Interceptor.Checkpoint;

/// <summary>A field that two images of a connection do not have in common.</summary>
/// <param name="Field">Its place in session.json, as <c>sequences.snd_una</c>.</param>
/// <param name="Before">Its value in the first, as JSON; null where it is not there.</param>
/// <param name="After">Its value in the second.</param>
/// <param name="Advance">How far a sequence number went on, modulo 2^32; null for what is none.</param>
public sealed record SessionDifference(string Field, string? Before, string? After, int? Advance);
