namespace Interceptor.Capture.Files;

/// <summary>One of the files that a capture was split into.</summary>
/// <param name="Path">Its name.</param>
/// <param name="Packets">Packets in it.</param>
/// <param name="Bytes">Its bytes, before compression.</param>
public sealed record SplitFile(string Path, long Packets, long Bytes);
