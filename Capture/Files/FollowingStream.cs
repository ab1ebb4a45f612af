namespace Interceptor.Capture.Files;

/// <summary>
/// A file that another program is still writing: at its end a read waits for more, looking every 50 ms (file systems that send no notices are followed too),
/// until it is cancelled; then the file ends where it is. Read-only, forward-only.
/// </summary>
internal sealed class FollowingStream(Stream file, CancellationToken until) : ForwardReadStream(file)
{
    private const int MillisecondsBetweenLooks = 50;

    public override int Read(Span<byte> buffer)
    {
        int read;
        while ((read = Inner.Read(buffer)) == 0 && !until.WaitHandle.WaitOne(MillisecondsBetweenLooks))
        {
        }

        return read;
    }
}
