namespace Interceptor.Capture.Intercept;

/// <summary>
/// The way out of a <see cref="HoldQueue"/> on one thread of an interception: decisions come from any thread, in order, and are carried out by the thread that calls
/// <see cref="Flush"/>.
/// </summary>
/// <param name="wake">Called on any thread when there is something to carry out.</param>
internal sealed class HoldExit(Action wake)
{
    private readonly Lock _gate = new();
    private readonly List<Decision> _working = [];
    private readonly List<Decision> _decided = [];
    private volatile bool _hasWork;

    /// <summary>There is something to carry out. Any thread.</summary>
    internal bool HasWork => _hasWork;

    /// <summary>Any thread.</summary>
    internal void Decide(IHeldDuty duty, HeldItem item, bool isDropped, HoldReason reason)
    {
        lock (_gate)
        {
            _decided.Add(new Decision(duty, item, isDropped, reason));
            _hasWork = true;
        }

        wake();
    }

    /// <summary>Something is due earlier than was known. Any thread.</summary>
    internal void Wake() => wake();

    /// <summary>Carries out what was decided, in that order. On the thread that the packets belong to.</summary>
    /// <param name="now">Monotonic, ns.</param>
    internal void Flush(long now)
    {
        while (_hasWork)
        {
            lock (_gate)
            {
                _working.AddRange(_decided);
                _decided.Clear();
                _hasWork = false;
            }

            CarryOut(now);
        }
    }

    // One of them may fail after its verdict, where somebody is told of it: the others stay to be carried out.
    private void CarryOut(long now)
    {
        int done = 0;
        try
        {
            while (done < _working.Count)
            {
                Decision decision = _working[done++];
                long heldFor = Math.Max(0, now - decision.Item.Since);
                if (decision.IsDropped)
                {
                    decision.Duty.Drop(decision.Item, decision.Reason, heldFor);
                }
                else
                {
                    decision.Duty.Release(decision.Item, heldFor);
                }
            }
        }
        finally
        {
            _working.RemoveRange(0, done);
            if (_working.Count > 0)
            {
                _hasWork = true;
            }
        }
    }

    private readonly record struct Decision(IHeldDuty Duty, HeldItem Item, bool IsDropped, HoldReason Reason);
}
