using Interceptor.Interop;

namespace Interceptor.Replay.Stateful;

/// <content>What comes from the peer, and what does not.</content>
internal sealed partial class ConversationPlayer
{
    // Bytes taken in one go, so that no connection keeps the others waiting.
    private const int MostAtOnce = 1024 * 1024;

    private long? _answerFrom;
    private long _answerCapturedAt;
    private long _answerOffset;

    // How far the peer's stream has come, its FIN included; what was waited for in vain counts too.
    private long PeerPosition
    {
        get
        {
            long position = _comparer.Position;
            return Math.Max(_forgiven, _hasPeerClosed && position >= _peer.Length ? _peer.End : position);
        }
    }

    private void Receive(long now)
    {
        int taken = 0;
        while (!_hasPeerClosed && !_isOver && taken < MostAtOnce)
        {
            int count = NativeSocket.TryReceive(_fd, _context.Received, Libc.MSG_DONTWAIT);
            if (count == -Errno.EAGAIN)
            {
                return;
            }

            if (count < 0)
            {
                Break(-count, now);
                return;
            }

            if (count == 0)
            {
                HearEnd(now);
                return;
            }

            taken += count;
            _heardAt = now;
            _context.Report.ReceivedBytes += count;
            _comparer.Append(_context.Received.AsSpan(0, count));
            MeasureAnswer(now);
        }
    }

    // The peer's FIN. What is missing now never comes.
    private void HearEnd(long now)
    {
        _hasPeerClosed = true;
        _comparer.Settle();
        if (TellMissing(DivergenceKind.Closed, null))
        {
            End(now);
            return;
        }

        bool hadClosed = _peer.Fin is not null || _peer.Reset is not null;
        if (!hadClosed && _cursor.Current.Kind is ConversationStepKind.Send)
        {
            Diverge(DivergenceKind.Closed, _peer.Length, 0, 0);
            End(now);
        }
    }

    // The connection is broken: by the peer's RST, or by the kernel that heard nothing any more.
    private void Break(int errno, long now)
    {
        // What had come before is read first; a send that fails does not know of it.
        if (!_hasPeerClosed && errno == Errno.EPIPE)
        {
            Receive(now);
        }

        if (_isOver)
        {
            return;
        }

        string reason = new LinuxException(errno, "recv", "").Reason;
        _comparer.Settle();
        if (!TellMissing(DivergenceKind.Reset, reason) && !WasToBreak())
        {
            Diverge(DivergenceKind.Reset, _peer.Length, 0, 0, reason);
        }

        End(now);
    }

    // It was reset in the capture too, or had nothing more to do and to hear.
    private bool WasToBreak()
    {
        ConversationStep step = _cursor.Current;
        if (_peer.Reset is { } reset)
        {
            return step.Kind == ConversationStepKind.End || step.At >= reset.At;
        }

        return step.Kind is ConversationStepKind.End or ConversationStepKind.Reset && (_peer.Fin is null || _hasPeerClosed || _own.Reset is not null);
    }

    private bool TellMissing(DivergenceKind kind, string? reason)
    {
        long from = _comparer.Position;
        if (from >= _peer.Length)
        {
            return false;
        }

        long missing = _comparer.SkipTo(_peer.Length);
        Diverge(kind, _peer.Length - missing, missing, 0, reason);
        return true;
    }

    // True where the wait is over and something can be done.
    private bool AwaitPeer(long offset, long now)
    {
        if (_hasPeerClosed)
        {
            // Its FIN came, and with it all that ever comes.
            _forgiven = Math.Max(_forgiven, offset);
            return true;
        }

        if (SettleIfSilent(now))
        {
            return true;
        }

        if (now < Deadline)
        {
            Wake = _comparer.IsUndecided ? Math.Min(_heardAt + SettleTime, Deadline) : Deadline;
            return false;
        }

        long missing = _comparer.SkipTo(offset);
        Diverge(missing > 0 ? DivergenceKind.Timeout : DivergenceKind.NotClosed, Math.Min(offset, _peer.Length) - missing, missing, 0);
        _forgiven = Math.Max(_forgiven, offset);
        _heardAt = _waitsFrom = now;
        if (++_timeouts == PatienceCount)
        {
            End(now);
        }

        return true;
    }

    // All steps are done: what is left is the peer's.
    private void AwaitEnd(long now)
    {
        bool hasAll = _comparer.Position >= _peer.Length;
        if (hasAll && !_clientHasEnded)
        {
            _clientHasEnded = true;
            _ended(this);
        }

        bool awaitsClose = _peer.Fin is not null || _peer.Reset is not null;
        if (_hasPeerClosed || (hasAll && !awaitsClose && !SettleFirst(now)))
        {
            End(now);
            return;
        }

        if (SettleIfSilent(now))
        {
            Wake = now;
        }
        else if (now < Deadline)
        {
            Wake = _comparer.IsUndecided ? Math.Min(_heardAt + SettleTime, Deadline) : Deadline;
        }
        else
        {
            long missing = _comparer.SkipTo(_peer.Length);
            Diverge(missing > 0 ? DivergenceKind.Timeout : DivergenceKind.NotClosed, _peer.Length - missing, missing, 0);
            End(now);
        }
    }

    // A last difference may still be explained by what comes within the next moment.
    private bool SettleFirst(long now) => _comparer.IsUndecided && now < _heardAt + SettleTime;

    // True if something was decided.
    private bool SettleIfSilent(long now)
    {
        if (!_comparer.IsUndecided || now < _heardAt + SettleTime)
        {
            return false;
        }

        _comparer.Settle();
        return true;
    }

    // Silence is counted from what we last did or heard; what the peer took in the capture it may take again.
    private long Deadline => Math.Max(_heardAt, _waitsFrom) + _context.AnswerTimeout + _cursor.CapturedWait;

    private void ExpectAnswer(in ConversationStep step, long now)
    {
        _answerFrom = step.PeerOffset < _peer.Length ? now : null;
        _answerCapturedAt = step.At;
        _answerOffset = step.PeerOffset;
    }

    private void MeasureAnswer(long now)
    {
        if (_answerFrom is { } from && _comparer.Position > _answerOffset)
        {
            _answerFrom = null;
            long captured = _peer.Pieces[_peer.IndexOf(_answerOffset)].At - _answerCapturedAt;
            if (captured >= 0)
            {
                _context.Report.CapturedAnswers.Add(captured);
                _context.Report.Answers.Add(now - from);
            }
        }
    }

    private void Diverge(StreamDifference difference) => Diverge(
        difference switch
        {
            { ExpectedLength: 0 } when difference.Offset == _peer.Length => DivergenceKind.Extra,
            { ExpectedLength: 0 } => DivergenceKind.Inserted,
            { SeenLength: 0 } => DivergenceKind.Missing,
            _ => DivergenceKind.Changed,
        },
        difference.Offset, difference.ExpectedLength, difference.SeenLength, seen: difference.Seen);

    private void Diverge(DivergenceKind kind, long offset, long expectedLength, long seenLength, string? reason = null, byte[]? seen = null)
    {
        _context.Report.Divergences++;
        if (++_divergences > _context.Options.MaximumDivergences)
        {
            return;
        }

        _context.Observer?.Diverged(new ReplayDivergence
        {
            ConnectionId = Script.Id,
            Client = Script.Client,
            Server = Script.Server,
            IsOfServer = _context.AsClient,
            Kind = kind,
            Offset = offset,
            Packet = kind == DivergenceKind.Refused ? Script.FirstPacket : kind == DivergenceKind.NotClosed && offset == _peer.Length ? (_peer.Fin ?? _peer.Reset)?.Packet : _peer.PacketAt(offset),
            ExpectedLength = expectedLength,
            SeenLength = seenLength,
            Expected = expectedLength > 0 ? _comparer.ExpectedAt(offset, expectedLength) : [],
            Seen = seen ?? [],
            Reason = reason,
        });
    }
}
