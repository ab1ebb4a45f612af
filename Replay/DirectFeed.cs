namespace Interceptor.Replay;

/// <summary>Reads each packet when it is asked for, on the same thread: nothing is read that is not tried.</summary>
internal sealed class DirectFeed(ReplayIntake intake) : IReplayFeed
{
    private ReplayBlock? _block = new();
    private bool _ended;

    /// <summary>Reading may wait.</summary>
    public bool IsReady => false;

    public ReplayBlock? Next(ReplayBlock? sent, CancellationToken cancellation)
    {
        if (_ended)
        {
            return null;
        }

        _block!.Clear();
        _ended = !intake.Fill(ref _block, most: 1);
        return _block;
    }

    public void Dispose() => intake.Dispose();
}
