namespace Interceptor.Replay;

/// <summary>A capture in memory, sent as often as it is wanted.</summary>
internal sealed class PreloadedFeed(PreloadedCapture capture, long rounds) : IReplayFeed
{
    private int _next;
    private long _round;

    public bool IsReady => true;

    public ReplayBlock? Next(ReplayBlock? sent, CancellationToken cancellation)
    {
        if (_next == capture.Blocks.Count)
        {
            _round++;
            _next = 0;
            if (_round == rounds || capture.Packets == 0 || sent is { Failure: not null })
            {
                return null;
            }
        }

        return _next < capture.Blocks.Count ? capture.Blocks[_next++] : null;
    }

    public void Dispose()
    {
    }
}
