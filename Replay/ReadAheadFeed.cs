using System.Collections.Concurrent;

namespace Interceptor.Replay;

/// <summary>
/// A thread reads some megabytes ahead, so that no deadline waits for a disk or for the judging of packets. What a pipe gives is handed on before it is waited for.
/// <para>Threads: one takes; the reading one is its own, and is left behind where it waits for a pipe that nobody needs any more.</para>
/// </summary>
internal sealed class ReadAheadFeed : IReplayFeed
{
    /// <summary>Blocks under way: 8 MiB.</summary>
    private const int Blocks = 16;

    private const int JoinMilliseconds = 200;

    private readonly ReplayIntake _intake;
    private readonly ConcurrentQueue<ReplayBlock> _full = new();
    private readonly ConcurrentQueue<ReplayBlock> _free = new();
    private readonly SemaphoreSlim _fullCount = new(0);
    private readonly SemaphoreSlim _freeCount = new(Blocks);
    private readonly Thread _thread;
    private volatile bool _abandoned;
    private volatile bool _ended;

    internal ReadAheadFeed(ReplayIntake intake)
    {
        _intake = intake;
        intake.Exchange = Exchange;
        _thread = new Thread(Read) { IsBackground = true, Name = "replay reader" };
        _thread.Start();
    }

    public bool IsReady => !_full.IsEmpty || _ended;

    public ReplayBlock? Next(ReplayBlock? sent, CancellationToken cancellation)
    {
        if (sent is not null)
        {
            sent.Clear();
            _free.Enqueue(sent);
            _freeCount.Release();
        }

        _fullCount.Wait(cancellation);
        return _full.TryDequeue(out ReplayBlock? block) ? block : null;
    }

    public void Dispose()
    {
        _abandoned = true;
        _freeCount.Release();
        _thread.Join(JoinMilliseconds);
    }

    private void Read()
    {
        using (_intake)
        {
            ReplayBlock? block = TakeFree();
            while (_intake.Fill(ref block))
            {
                // Until the end.
            }

            if (block is { Count: > 0 } or { Failure: not null })
            {
                _full.Enqueue(block);
                _fullCount.Release();
            }
        }

        // One more than there are blocks: the end.
        _ended = true;
        _fullCount.Release();
    }

    private ReplayBlock? Exchange(ReplayBlock filled, bool isFull)
    {
        if (_abandoned)
        {
            return null;
        }

        _full.Enqueue(filled);
        _fullCount.Release();
        return TakeFree();
    }

    private ReplayBlock? TakeFree()
    {
        _freeCount.Wait();
        return _abandoned ? null : _free.TryDequeue(out ReplayBlock? block) ? block : new ReplayBlock();
    }
}
