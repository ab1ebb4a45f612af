namespace Interceptor.Capture.Live;

/// <summary>
/// When a recording goes on in a further file, and how much of it is kept. Each condition works alone and with any other: the first that holds ends the file.
/// </summary>
public sealed record CaptureRotation
{
    /// <summary>Of <see cref="KeepBytes"/>, the part that a file gets where no size is asked for: deleting the oldest file then takes a tenth of the recording.</summary>
    private const int FilesInBudget = 10;

    /// <summary>
    /// A file ends when it has so many bytes, as it is stored: a compressed one counts packed, and is looked at when what it holds back is packed. Null for no limit.
    /// </summary>
    public long? FileBytes { get; init; }

    /// <summary>A file ends so long after it was begun, also when no packet comes; null for no limit.</summary>
    public TimeSpan? FileTime { get; init; }

    /// <summary>
    /// A file ends when local time is a multiple of this since midnight: a divisor of a day, of at least a second. See <see cref="ClockBoundary"/>
    /// for days on which the clock is changed. Null for no limit.
    /// </summary>
    public TimeSpan? Every { get; init; }

    /// <summary>A file ends when it has so many packets; null for no limit.</summary>
    public long? FilePackets { get; init; }

    /// <summary>Files kept, the open one among them: the oldest of this recording is deleted when there would be more. Null keeps all.</summary>
    public int? Files { get; init; }

    /// <summary>
    /// Bytes kept, as they are stored, those of the open file among them: the oldest closed files of this recording are deleted to stay below. Null keeps all.
    /// </summary>
    public long? KeepBytes { get; init; }

    /// <summary>The size that ends a file: what was asked for, or a tenth of what is kept.</summary>
    internal long LargestFile => FileBytes ?? (KeepBytes is { } keep ? Math.Max(1, keep / FilesInBudget) : long.MaxValue);

    /// <summary>True where the clock ends files too.</summary>
    internal bool HasTime => FileTime is not null || Every is not null;

    /// <exception cref="ArgumentOutOfRangeException">A limit is not above 0, or the clock's is no divisor of a day.</exception>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(FileBytes ?? 1, nameof(FileBytes));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero((FileTime ?? TimeSpan.MaxValue).Ticks, nameof(FileTime));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(FilePackets ?? 1, nameof(FilePackets));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Files ?? 1, nameof(Files));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(KeepBytes ?? 1, nameof(KeepBytes));
        if (Every is { } every && !ClockBoundary.IsDivisor(every))
        {
            throw new ArgumentOutOfRangeException(nameof(Every), every, "It must divide a day and be at least a second.");
        }
    }
}
