using Interceptor.Interop;

namespace Interceptor.Replay.Stateful;

/// <summary>
/// Plays one side of one connection on a socket: does the steps of the cursor when they are due, and compares what comes with what the capture says.
/// <para>Owns the socket. Threads: the loop's.</para>
/// </summary>
internal sealed partial class ConversationPlayer : IPolled, IDisposable
{
    /// <summary>Silence after which a difference is decided by what there is, ns.</summary>
    private const long SettleTime = 200_000_000;

    /// <summary>How long a reset waits for what was sent before to be acknowledged, ns: it would take it back.</summary>
    private const long ResetPatience = 1_000_000_000;
    private const long ResetLook = 1_000_000;

    /// <summary>A peer that let us wait so often for nothing is given up.</summary>
    private const int PatienceCount = 3;

    private readonly PlayerContext _context;
    private readonly ConversationCursor _cursor;
    private readonly StreamComparer _comparer;
    private readonly ScriptStream _own;
    private readonly ScriptStream _peer;
    private readonly Action<ConversationPlayer> _ended;
    private readonly FileDescriptor _fd;
    private readonly ulong _key;
    private readonly long _begunAt;
    private uint _watched;
    private bool _isOpen;
    private bool _isOver;
    private bool _isInterrupted;
    private bool _clientHasEnded;
    private bool _wantsRoom;
    private bool _wasHeldUp;
    private bool _isLooked;
    private bool _hasPeerClosed;
    private long _sentInStep;
    private long _heardAt;
    private long _waitsFrom;
    private long _blockedFrom;
    private long _forgiven;
    private int _timeouts;
    private long _divergences;
    private long _sentBytes;

    /// <param name="context">What players share.</param>
    /// <param name="index">The script's place in the list.</param>
    /// <param name="script">What to play.</param>
    /// <param name="fd">The socket, which connects or is connected; becomes this object's.</param>
    /// <param name="isOpen">It is connected.</param>
    /// <param name="now">The time.</param>
    /// <param name="ended">Called once when the connection has ended for the client, which may be before it is over (<see cref="IsOver"/>), and again when it is over.</param>
    internal ConversationPlayer(PlayerContext context, int index, ConversationScript script, FileDescriptor fd, bool isOpen, long now, Action<ConversationPlayer> ended)
    {
        _context = context;
        Index = index;
        Script = script;
        _fd = fd;
        _ended = ended;
        _own = script.StreamOf(context.AsClient);
        _peer = script.StreamOf(!context.AsClient);
        _cursor = new ConversationCursor(script, context.AsClient, context.Options.Pace);
        _comparer = new StreamComparer(_peer, context.Options.Masks, Diverge, context.Expected);
        _begunAt = _heardAt = _waitsFrom = now;
        _key = context.Loop.Join(this);
        _watched = isOpen ? EventPoll.Readable : EventPoll.Writable;
        context.Loop.Watch(_key, fd, _watched);
        context.Report.Connections++;
        context.Report.Open++;
        context.Report.MostOpen = Math.Max(context.Report.MostOpen, context.Report.Open);
        if (isOpen)
        {
            Open(now);
        }

        Wake = isOpen ? now : now + context.AnswerTimeout + Math.Max(0, script.EstablishedAt - script.OpenedAt);
        context.Loop.Reconsider(_key);
    }

    /// <summary>The script's place in the list.</summary>
    internal int Index { get; }

    /// <summary>What is played.</summary>
    internal ConversationScript Script { get; }

    /// <summary>The client has done what it did in the capture and has all it got there, or the connection is over.</summary>
    internal bool HasEndedForClient => _clientHasEnded;

    /// <summary>Nothing more happens.</summary>
    internal bool IsOver => _isOver;

    /// <inheritdoc/>
    public long Wake { get; private set; }

    /// <inheritdoc/>
    public void Run(uint events, long now)
    {
        if (_isOver)
        {
            return;
        }

        if (!_isOpen)
        {
            FinishConnecting(events, now);
            return;
        }

        if ((events & (EventPoll.Readable | EventPoll.Failed | EventPoll.HungUp)) != 0)
        {
            Receive(now);
        }

        if (!_isOver)
        {
            Advance(now);
        }
    }

    /// <summary>The replay ends before the connection does.</summary>
    internal void Interrupt(long now)
    {
        if (!_isOver)
        {
            _isInterrupted = true;
            End(now);
        }
    }

    public void Dispose() => _fd.Dispose();

    private void FinishConnecting(uint events, long now)
    {
        if (events == 0)
        {
            Refuse("no answer", now);
            return;
        }

        int errno = NativeSocket.TakeError(_fd);
        if (errno != 0)
        {
            Refuse(new LinuxException(errno, "connect", "").Reason, now);
            return;
        }

        Open(now);
        Advance(now);
    }

    private void Open(long now)
    {
        _isOpen = true;
        _heardAt = _waitsFrom = now;
        _context.Report.Opened++;
        _cursor.Open(now);
    }

    private void Refuse(string reason, long now)
    {
        Diverge(DivergenceKind.Refused, 0, 0, 0, reason);
        End(now);
    }

    // Does what is due, and finds out when to go on.
    private void Advance(long now)
    {
        Wake = long.MaxValue;
        _wantsRoom = false;
        while (!_isOver)
        {
            _cursor.PeerReached(PeerPosition, now);
            ConversationStep step = _cursor.Current;
            if (step.Kind == ConversationStepKind.End)
            {
                AwaitEnd(now);
                break;
            }

            if (_cursor.Due is not { } due)
            {
                if (!AwaitPeer(step.PeerOffset, now))
                {
                    break;
                }

                continue;
            }

            if (due > now)
            {
                Wake = due;
                break;
            }

            if (!_isLooked && _context.Options.Pace.SpeedMillionths is not null)
            {
                _context.Report.Timing.Add(now - due);
            }

            _isLooked = true;
            if (!Do(in step, due, now))
            {
                break;
            }

            _isLooked = false;
            now = EventLoop.Now;
        }

        WatchWhatMatters();
    }

    // True once the step is done.
    private bool Do(in ConversationStep step, long due, long now)
    {
        switch (step.Kind)
        {
            case ConversationStepKind.Send:
                return Send(in step, now);
            case ConversationStepKind.Finish:
                NativeSocket.ShutdownSend(_fd);
                break;
            default:
                return Reset(due, now);
        }

        StepDone(now);
        return true;
    }

    private void StepDone(long now)
    {
        _cursor.StepDone(now, _wasHeldUp);
        _wasHeldUp = false;
        _waitsFrom = now;
    }

    private bool Send(in ConversationStep step, long now)
    {
        while (_sentInStep < step.Length)
        {
            int wanted = (int)Math.Min(step.Length - _sentInStep, _context.Sent.Length);
            int length = _own.Read(step.Offset + _sentInStep, _context.Sent.AsSpan(0, wanted), out _);
            int count = NativeSocket.TrySend(_fd, _context.Sent.AsSpan(0, length), Libc.MSG_DONTWAIT);
            if (count == -Errno.EAGAIN)
            {
                AwaitRoom(now);
                return false;
            }

            if (count < 0)
            {
                Break(-count, now);
                return false;
            }

            _sentInStep += count;
            _sentBytes += count;
            _context.Report.Bytes += count;
            _blockedFrom = now;
        }

        _sentInStep = 0;
        _context.Report.Packets++;
        StepDone(now);
        ExpectAnswer(in step, now);
        return true;
    }

    // The kernel's buffer is full: the peer does not read, or the way is slow.
    private void AwaitRoom(long now)
    {
        _wantsRoom = true;
        _blockedFrom = _wasHeldUp ? _blockedFrom : now;
        _wasHeldUp = true;
        long deadline = Math.Max(_blockedFrom, _heardAt) + _context.AnswerTimeout;
        if (now >= deadline)
        {
            Diverge(DivergenceKind.Timeout, _comparer.Position, 0, 0, "the peer takes no more data");
            End(now);
            return;
        }

        Wake = deadline;
    }

    private bool Reset(long due, long now)
    {
        if (NativeSocket.IoctlInt(_fd, Libc.SIOCOUTQ, "ioctl(SIOCOUTQ)", "a connection") > 0 && now < due + ResetPatience)
        {
            Wake = now + ResetLook;
            return false;
        }

        Receive(now);
        if (!_isOver)
        {
            _context.Loop.Leave(_key, _fd);
            ConversationSockets.Reset(_fd);
            StepDone(now);
            End(now);
        }

        return false;
    }

    // Only what matters now: an end of the stream that has been read would come again and again.
    private void WatchWhatMatters()
    {
        uint wanted = (_hasPeerClosed ? 0 : EventPoll.Readable) | (_wantsRoom ? EventPoll.Writable : 0);
        if (!_isOver && wanted != _watched)
        {
            _watched = wanted;
            _context.Loop.WatchFor(_key, _fd, wanted);
        }
    }

    private void End(long now)
    {
        if (_isOver)
        {
            return;
        }

        _isOver = true;
        Wake = long.MaxValue;
        if (!_isInterrupted)
        {
            _comparer.Finish();
        }

        _context.Loop.Leave(_key, _fd);
        _fd.Dispose();
        Count(now);
        _clientHasEnded = true;
        _ended(this);
    }

    private void Count(long now)
    {
        StatefulReplayReport report = _context.Report;
        var outcome = new ConversationOutcome
        {
            Script = Script,
            WasOpened = _isOpen,
            Divergences = _divergences,
            Masked = _comparer.Masked,
            SentBytes = _sentBytes,
            ReceivedBytes = _comparer.SeenBytes,
            ElapsedNanoseconds = now - _begunAt,
            WasInterrupted = _isInterrupted,
        };
        report.Open--;
        report.Masked += _comparer.Masked;
        report.Matched += outcome.Matches ? 1 : 0;
        report.Diverged += _divergences > 0 ? 1 : 0;
        report.Interrupted += _isInterrupted && _divergences == 0 ? 1 : 0;
        _context.Observer?.Ended(outcome);
    }
}
