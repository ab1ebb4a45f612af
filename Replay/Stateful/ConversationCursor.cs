namespace Interceptor.Replay.Stateful;

/// <summary>
/// Which step of a conversation comes next, and when: what the played side had received in the capture before it did the step must have arrived, and as much time must have passed since
/// as in the capture, counted from when that, or the step before, happened now. Steps whose time depends on the ones before only are due from their due times, so
/// nothing drifts. Pure: no clock; times are ns of one monotonic clock.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed class ConversationCursor
{
    private readonly ScriptStream _own;
    private readonly ScriptStream _peer;
    private readonly ConversationPace _pace;
    private readonly long _establishedAt;

    // When the peer's bytes for the steps from this on had come: steps up to (not including) Until were free at At.
    private readonly Queue<(int Until, long At)> _released = new();
    private readonly int _steps;
    private int _index;
    private int _releasedUntil;
    private int _peerPiece;
    private long _ownBase;
    private long _ownCaptured;

    internal ConversationCursor(ConversationScript script, bool asClient, ConversationPace pace)
    {
        _own = script.StreamOf(asClient);
        _peer = script.StreamOf(!asClient);
        _pace = pace;
        _establishedAt = script.EstablishedAt;
        _steps = _own.Pieces.Length + (_own.Fin is null ? 0 : 1) + (_own.Reset is null ? 0 : 1);
    }

    /// <summary>The step that is to be done; <see cref="ConversationStepKind.End"/> behind the last.</summary>
    internal ConversationStep Current => StepAt(_index);

    /// <summary>Steps of the whole conversation.</summary>
    internal int Steps => _steps;

    /// <summary>Steps done.</summary>
    internal int Done => _index;

    /// <summary>When the current step is due; null while the peer's bytes that it needs have not come, and at the end.</summary>
    internal long? Due { get; private set; }

    /// <summary>How long the capture shows the played side waiting for what the current step needs, or at the end for the peer's last sign; ns.</summary>
    internal long CapturedWait
    {
        get
        {
            ConversationStep step = Current;
            long until = step.Kind != ConversationStepKind.End ? PeerCapturedAt(step.PeerOffset)
                : Math.Max(_peer.Pieces is [.., var last] ? last.At : long.MinValue, Math.Max(_peer.Fin?.At ?? long.MinValue, _peer.Reset?.At ?? long.MinValue));
            return until > _ownCaptured ? until - _ownCaptured : 0;
        }
    }

    /// <summary>The connection is open.</summary>
    internal void Open(long now)
    {
        _ownBase = now;
        _ownCaptured = _establishedAt;
        PeerReached(0, now);
    }

    /// <summary>So much of the peer's stream has come (its FIN is one more).</summary>
    internal void PeerReached(long offset, long now)
    {
        int until = _releasedUntil;
        while (until < _steps && StepAt(until).PeerOffset <= offset)
        {
            until++;
        }

        if (until > _releasedUntil)
        {
            _releasedUntil = until;
            _released.Enqueue((until, now));
            FindDue();
        }
    }

    /// <summary>The current step is done; it was due at <see cref="Due"/>, or as late as <paramref name="now"/> where the kernel did not take it before.</summary>
    /// <param name="now">The time.</param>
    /// <param name="wasHeldUp">The kernel had no room for it: what follows is counted from now.</param>
    internal void StepDone(long now, bool wasHeldUp)
    {
        _ownBase = wasHeldUp ? now : Due ?? now;
        _ownCaptured = Math.Max(_ownCaptured, Current.At);
        _index++;
        FindDue();
    }

    private void FindDue()
    {
        Due = null;
        while (_released.TryPeek(out (int Until, long At) released))
        {
            if (_index >= released.Until)
            {
                _released.Dequeue();
                continue;
            }

            ConversationStep step = Current;
            long gap = step.At - Math.Max(_ownCaptured, PeerCapturedAt(step.PeerOffset));
            Due = Math.Max(_ownBase, released.At) + _pace.Scale(gap);
            return;
        }
    }

    // When the capture shows the last thing that the step waited for.
    private long PeerCapturedAt(long offset)
    {
        if (offset > _peer.Length)
        {
            return _peer.Fin?.At ?? long.MinValue;
        }

        ReadOnlySpan<ScriptPiece> pieces = _peer.Pieces;
        while (_peerPiece + 1 < pieces.Length && pieces[_peerPiece + 1].Offset < offset)
        {
            _peerPiece++;
        }

        return offset > 0 && pieces.Length > 0 ? pieces[_peerPiece].At : long.MinValue;
    }

    private ConversationStep StepAt(int index)
    {
        ReadOnlySpan<ScriptPiece> pieces = _own.Pieces;
        if (index < pieces.Length)
        {
            ScriptPiece piece = pieces[index];
            return new ConversationStep(ConversationStepKind.Send, piece.Offset, _own.EndOf(index) - piece.Offset, piece.Packet, piece.At, piece.PeerOffset);
        }

        index -= pieces.Length;
        if (_own.Fin is { } fin && index-- == 0)
        {
            return new ConversationStep(ConversationStepKind.Finish, _own.Length, 0, fin.Packet, fin.At, fin.PeerOffset);
        }

        return _own.Reset is { } reset && index == 0
            ? new ConversationStep(ConversationStepKind.Reset, _own.Length, 0, reset.Packet, reset.At, reset.PeerOffset)
            : new ConversationStep(ConversationStepKind.End, _own.Length, 0, 0, 0, 0);
    }
}
