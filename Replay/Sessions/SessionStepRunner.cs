using System.Diagnostics;
using System.Runtime;
using System.Runtime.ExceptionServices;
using Interceptor.Checkpoint;

namespace Interceptor.Replay;

/// <summary>A step that failed, after everything before it was undone.</summary>
/// <param name="Step">Which.</param>
/// <param name="Cause">Why.</param>
/// <param name="Problems">What could not be undone, each a whole sentence.</param>
internal sealed record SessionStepFailure(SessionStep Step, Exception Cause, IReadOnlyList<string> Problems)
{
    /// <summary>Throws the cause itself where everything is as it was; otherwise gives what tells of the rest.</summary>
    /// <param name="operation">What was to be done, as <c>checkpoint</c>.</param>
    /// <param name="isUndone">True if the steps before left nothing by themselves.</param>
    /// <param name="leaves">What is left of the connection.</param>
    internal CheckpointException ToException(string operation, bool isUndone, string leaves)
    {
        if (Problems.Count == 0 && isUndone)
        {
            ExceptionDispatchInfo.Throw(Cause);
        }

        return new CheckpointException($"{operation} ({Step.Name})", Cause.Message, string.Join(' ', Problems.Prepend(leaves)), cause: Cause);
    }
}

/// <summary>A step that was executed.</summary>
/// <param name="Step">Which.</param>
/// <param name="Ticks">How long it took, in units of <see cref="Stopwatch.Frequency"/>.</param>
internal readonly record struct SessionStepTime(SessionStep Step, long Ticks)
{
    internal TimeSpan Elapsed => Stopwatch.GetElapsedTime(0, Ticks);
}

/// <summary>
/// Executes a table of steps in order, times each, and when one fails undoes it and those before it, last first. One run; one thread.
/// </summary>
/// <typeparam name="T">What the steps work on.</typeparam>
internal sealed class SessionStepRunner<T>
{
    private readonly IReadOnlyList<SessionStep<T>> _table;
    private readonly T _subject;
    private readonly long _noCollectionBytes;
    private readonly List<SessionStep<T>> _begun;
    private readonly List<SessionStepTime> _times;
    private long _freezeStart;
    private long _freezeEnd;
    private bool _isCollectionSuspended;

    /// <summary>A run of <paramref name="table"/>; nothing happens before <see cref="Run"/>.</summary>
    /// <param name="table">The steps.</param>
    /// <param name="subject">What they work on.</param>
    /// <param name="noCollectionBytes">Managed memory that the freeze may use without a collection; 0 leaves the collector alone.</param>
    internal SessionStepRunner(IReadOnlyList<SessionStep<T>> table, T subject, long noCollectionBytes = 0)
    {
        _table = table;
        _subject = subject;
        _noCollectionBytes = noCollectionBytes;
        _begun = new List<SessionStep<T>>(table.Count);
        _times = new List<SessionStepTime>(table.Count);
    }

    /// <summary>Called when the freeze is about to begin, behind everything that makes caches cold. Null: nothing.</summary>
    internal Action? Rehearsal { get; init; }

    /// <summary>Called before each step (false) and after each that succeeded (true). Null: nobody.</summary>
    internal Action<SessionStep, bool>? Observer { get; init; }

    /// <summary>The steps that succeeded, in order.</summary>
    internal IReadOnlyList<SessionStepTime> Times => _times;

    /// <summary>From the start of the first frozen step to the end of the last one before the connection went on.</summary>
    internal TimeSpan Freeze => Stopwatch.GetElapsedTime(_freezeStart, _freezeEnd);

    /// <summary>Since the start of the first frozen step; zero before.</summary>
    internal TimeSpan FrozenSoFar => _freezeStart == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_freezeStart);

    /// <summary>Runs the steps; null if all succeeded.</summary>
    internal SessionStepFailure? Run()
    {
        try
        {
            foreach (SessionStep<T> step in _table)
            {
                if (step.AppliesTo(_subject))
                {
                    _begun.Add(step);
                    Execute(step);
                }
            }

            EndFreeze();
            return null;
        }
#pragma warning disable CA1031 // Whatever failed, the steps before it are undone; the failure goes to the caller with what could not be.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return new SessionStepFailure(_begun[^1], exception, UndoAll());
        }
        finally
        {
            ResumeCollection();
        }
    }

    private void Execute(SessionStep<T> step)
    {
        if (step.IsFrozen && _freezeStart == 0)
        {
            SuspendCollection();
            Rehearsal?.Invoke();
            _freezeStart = Stopwatch.GetTimestamp();
        }
        else if (!step.IsFrozen)
        {
            EndFreeze();
        }

        Observer?.Invoke(step, false);
        long start = Stopwatch.GetTimestamp();
        step.Action(_subject);
        _times.Add(new SessionStepTime(step, Stopwatch.GetTimestamp() - start));
        Observer?.Invoke(step, true);
    }

    /// <summary>An undo that fails does not keep the others from their turn.</summary>
    private List<string> UndoAll()
    {
        var problems = new List<string>();
        for (int i = _begun.Count - 1; i >= 0; i--)
        {
            try
            {
                _begun[i].Undo?.Invoke(_subject);
            }
#pragma warning disable CA1031 // Collected: the remaining undos matter more than this one's failure.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                problems.Add($"Undoing '{_begun[i].Name}' failed too: {exception.Message}");
            }
        }

        return problems;
    }

    private void EndFreeze()
    {
        if (_freezeStart != 0 && _freezeEnd == 0)
        {
            _freezeEnd = Stopwatch.GetTimestamp();
            ResumeCollection();
        }
    }

    private void SuspendCollection()
    {
        if (_noCollectionBytes == 0)
        {
            return;
        }

        try
        {
            _isCollectionSuspended = GC.TryStartNoGCRegion(_noCollectionBytes);

            // That may have collected: what it found to finalize is done now, not beside the freeze.
            GC.WaitForPendingFinalizers();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentOutOfRangeException)
        {
            // Someone else's region, or a heap too small: a collection may then fall into the freeze, and costs milliseconds at worst.
        }
    }

    private void ResumeCollection()
    {
        if (_isCollectionSuspended && GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
        {
            GC.EndNoGCRegion();
        }

        _isCollectionSuspended = false;
    }
}
