using Interceptor.Interop;

namespace Interceptor.Capture.Files;

/// <summary>
/// A file that another program is still writing: at its end a read waits for more, looking every 50 ms (file systems that send no notices are followed too),
/// until it is cancelled; then the file ends where it is. A file that was cut, deleted or replaced meanwhile gets no more: that is told once what it held was
/// read. Read-only, forward-only.
/// </summary>
internal sealed class FollowingStream(InputStream file, CancellationToken until) : ForwardReadStream(file)
{
    private const int MillisecondsBetweenLooks = 50;

    /// <exception cref="CaptureFileException">Nothing more can come.</exception>
    public override int Read(Span<byte> buffer)
    {
        int read;
        while ((read = Inner.Read(buffer)) == 0)
        {
            string? end = WhyNothingComes();
            if (end is not null && (read = Inner.Read(buffer)) == 0 && !until.IsCancellationRequested)
            {
                throw new CaptureFileException(file.Name, file.Position, CaptureFileFault.Unreadable, end);
            }

            if (read > 0 || until.WaitHandle.WaitOne(MillisecondsBetweenLooks))
            {
                break;
            }
        }

        return read;
    }

    private string? WhyNothingComes()
    {
        if (!file.Status.IsRegular)
        {
            return null;
        }

        FileStatus now = file.StatusNow;
        if (now.Length < file.Position)
        {
            return $"the file was cut to {now.Length} bytes while it was followed; what was written since can't be joined to what was read";
        }

        return FileStatus.Of(file.Name) switch
        {
            null => "the file was deleted or renamed while it was followed; nothing more can be seen of it",
            { } named when !named.IsSameFile(now) => "the file was replaced while it was followed; run this again to read the new one",
            _ => null,
        };
    }
}
