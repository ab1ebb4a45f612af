namespace Interceptor.Capture.Live;

/// <summary>A file of a recording that is complete and closed.</summary>
/// <param name="Path">Its name.</param>
/// <param name="Packets">Packets in it.</param>
/// <param name="Bytes">Bytes that it takes on the disk.</param>
/// <param name="Reason">Why it ended.</param>
public sealed record RecordedFile(string Path, long Packets, long Bytes, RotationReason Reason);
