namespace Interceptor.Replay.Stateful;

/// <summary>
/// Compares a stream that arrives in pieces with the expected one. After a difference it goes on: changed bytes leave the two side by side; where bytes were put in or left
/// out it finds the place from which they are the same again, if that lies within <see cref="Window"/>. Differences with fewer than <see cref="Apart"/> equal bytes between them are one.
/// <para>Memory: nothing while all is equal (with masks the last <see cref="StreamMask.Reach"/> bytes), else the window. Pure: no clock, no thread.</para>
/// </summary>
internal sealed class StreamComparer
{
    /// <summary>Bytes behind a difference that are looked at: more that were put in or left out are not bridged.</summary>
    internal const int Window = 64 * 1024;

    /// <summary>Equal bytes that end a changed stretch.</summary>
    internal const int Apart = 8;

    // So many bytes of each side are shown of a difference.
    private const int Shown = 32;

    // So many equal bytes behind a short stretch settle at once that it was changed and no byte put in or left out.
    private const int Certain = 512;
    private const int ShortRun = 64;

    private readonly IExpectedBytes _expected;
    private readonly IReadOnlyList<StreamMask> _masks;
    private readonly Action<StreamDifference> _report;
    private readonly byte[] _scratch;

    // What was seen: history for the masks up to _start, then what is not decided yet up to _end.
    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private long _next;
    private StreamDifference? _run;
    private long _extra;
    private byte[] _extraShown = [];

    /// <param name="expected">What should come.</param>
    /// <param name="masks">What may differ.</param>
    /// <param name="report">Is told of each difference, in order.</param>
    /// <param name="scratch">Room to read expected bytes into; comparers of one thread may share it.</param>
    internal StreamComparer(IExpectedBytes expected, IReadOnlyList<StreamMask> masks, Action<StreamDifference> report, byte[] scratch)
    {
        _expected = expected;
        _masks = masks;
        _report = report;
        _scratch = scratch;
    }

    /// <summary>
    /// How far the expected stream has come: what is not decided yet counts as if it lay side by side. That is what the steps of the conversation wait for.
    /// </summary>
    internal long Position => Math.Min(_next + Undecided, _expected.Length);

    /// <summary>Bytes seen.</summary>
    internal long SeenBytes { get; private set; }

    /// <summary>Stretches that a mask let pass.</summary>
    internal long Masked { get; private set; }

    /// <summary>Bytes seen behind the end of what was expected.</summary>
    internal long ExtraBytes => _extra + (_next >= _expected.Length ? Undecided : 0);

    /// <summary>Something waits for more bytes to be decided.</summary>
    internal bool IsUndecided => Undecided > 0;

    private int Undecided => _end - _start;

    /// <summary>The next bytes that came.</summary>
    internal void Append(ReadOnlySpan<byte> seen)
    {
        SeenBytes += seen.Length;
        if (Undecided == 0)
        {
            int same = TakeEqual(seen);
            Remember(seen[..same]);
            seen = seen[same..];
        }

        if (!seen.IsEmpty)
        {
            Add(seen);
            Decide(isFinal: false);
        }
    }

    /// <summary>Nothing more comes for now: what is undecided is decided by what there is.</summary>
    internal void Settle() => Decide(isFinal: true);

    /// <summary>The expected bytes up to there did not come and are not waited for any longer.</summary>
    /// <returns>How many they are.</returns>
    internal long SkipTo(long offset)
    {
        Settle();
        EndRun();
        long missing = Math.Min(offset, _expected.Length) - _next;
        _next += Math.Max(0, missing);
        return Math.Max(0, missing);
    }

    /// <summary>Nothing comes any more: tells of the bytes beyond the expected end. Those that are missing are the caller's to tell (<see cref="SkipTo"/>).</summary>
    internal void Finish()
    {
        Settle();
        EndRun();
        if (_extra > 0)
        {
            _report(new StreamDifference(_expected.Length, 0, _extra, [], _extraShown));
            _extra = 0;
        }
    }

    /// <summary>Some of the expected bytes, to be shown.</summary>
    internal byte[] ExpectedAt(long offset, long length)
    {
        Span<byte> bytes = stackalloc byte[Shown];
        int count = _expected.ReadKnown(offset, bytes[..(int)Math.Min(Shown, length)]);
        return bytes[..count].ToArray();
    }

    // Goes on while the bytes are the expected ones, or nobody knows what they should be; returns how many.
    private int TakeEqual(ReadOnlySpan<byte> seen)
    {
        int taken = 0;
        while (taken < seen.Length)
        {
            int count = _expected.Read(_next, _scratch.AsSpan(0, Math.Min(_scratch.Length, seen.Length - taken)), out bool isKnown);
            int same = isKnown ? _scratch.AsSpan(0, count).CommonPrefixLength(seen.Slice(taken, count)) : count;
            if (same > 0)
            {
                EndRun();
            }

            taken += same;
            _next += same;
            if (same < count || count == 0)
            {
                break;
            }
        }

        return taken;
    }

    private void Decide(bool isFinal)
    {
        while (Undecided > 0)
        {
            int same = TakeEqual(_buffer.AsSpan(_start, Undecided));
            Pass(same);
            if (Undecided == 0)
            {
                return;
            }

            if (_next >= _expected.Length)
            {
                TakeExtra();
                return;
            }

            MaskOutcome mask = TryMask(isFinal);
            if (mask == MaskOutcome.Undecided || (mask == MaskOutcome.None && !TryShort() && !TryFind(isFinal)))
            {
                return;
            }
        }
    }

    private void TakeExtra()
    {
        if (_extraShown.Length < Shown)
        {
            _extraShown = [.. _extraShown, .. _buffer.AsSpan(_start, Math.Min(Undecided, Shown - _extraShown.Length))];
        }

        _extra += Undecided;
        Pass(Undecided);
    }

    // A mask that matches here in both streams, at the same place: both go on behind its match. One that matches in the expected stream may still match in the seen one when
    // more has come.
    private MaskOutcome TryMask(bool isFinal)
    {
        if (_masks.Count == 0)
        {
            return MaskOutcome.None;
        }

        // Both texts end at the difference and go on behind it: places in them are alike, even if an earlier match had another length.
        int back = (int)Math.Min(Math.Min(_start, StreamMask.Reach), _next);
        string seen = Latin1(_buffer.AsSpan(_start - back, back + Math.Min(Undecided, StreamMask.Reach)));
        string expected = ExpectedAround(back);
        bool seenIsCut = !isFinal && Undecided < StreamMask.Reach;
        bool mayMatch = false;
        foreach (StreamMask mask in _masks)
        {
            foreach ((int group, int start, int end) in mask.RangesAt(expected, back))
            {
                mayMatch = true;
                foreach ((int seenGroup, int seenStart, int seenEnd) in mask.RangesAt(seen, back))
                {
                    if (seenGroup == group && seenStart == start && Math.Max(seenEnd, end) > back && !(seenIsCut && seenEnd == seen.Length))
                    {
                        EndRun();
                        Masked++;
                        _next += end - back;
                        Pass(seenEnd - back);
                        return MaskOutcome.Passed;
                    }
                }
            }
        }

        return mayMatch && seenIsCut ? MaskOutcome.Undecided : MaskOutcome.None;
    }

    // A few changed bytes and then many equal ones, side by side: no need to wait for more.
    private bool TryShort()
    {
        if (Undecided < ShortRun + Certain)
        {
            return false;
        }

        Span<byte> expected = stackalloc byte[ShortRun + Certain];
        int length = _expected.ReadKnown(_next, expected);
        ReadOnlySpan<byte> seen = _buffer.AsSpan(_start, length);
        int run = StreamAlignment.RunSideBySide(expected[..length], seen, Apart);
        if (run > ShortRun || length < run + Certain || !seen.Slice(run, Certain).SequenceEqual(expected.Slice(run, Certain)))
        {
            return false;
        }

        AddToRun(run, run);
        return true;
    }

    private bool TryFind(bool isFinal)
    {
        if (!isFinal && Undecided < Window)
        {
            return false;
        }

        int length = Math.Min(Undecided, Window);
        var expected = new byte[(int)Math.Min(Window, _expected.Length - _next)];
        int known = _expected.ReadKnown(_next, expected);
        ReadOnlySpan<byte> seen = _buffer.AsSpan(_start, length);
        (int skipExpected, int skipSeen) = StreamAlignment.Find(expected.AsSpan(0, known), seen, Apart, isFinal && length == Undecided);
        AddToRun(skipExpected, skipSeen);
        return true;
    }

    private void AddToRun(int expectedLength, int seenLength)
    {
        if (_run is { } run && run.Offset + run.ExpectedLength == _next)
        {
            byte[] shown = [.. run.Seen, .. _buffer.AsSpan(_start, Math.Min(seenLength, Shown - run.Seen.Length))];
            long length = run.ExpectedLength + expectedLength;
            _run = run with { ExpectedLength = length, SeenLength = run.SeenLength + seenLength, Expected = ExpectedAt(run.Offset, length), Seen = shown };
        }
        else
        {
            EndRun();
            _run = new StreamDifference(_next, expectedLength, seenLength, ExpectedAt(_next, expectedLength), _buffer.AsSpan(_start, Math.Min(seenLength, Shown)).ToArray());
        }

        _next += expectedLength;
        Pass(seenLength);
    }

    private void EndRun()
    {
        if (_run is { } run)
        {
            _run = null;
            _report(run);
        }
    }

    private string ExpectedAround(int back)
    {
        var bytes = new byte[back + StreamMask.Reach];
        long from = _next - back;
        int length = 0;
        while (length < bytes.Length)
        {
            int count = _expected.Read(from + length, bytes.AsSpan(length), out bool isKnown);
            if (count == 0)
            {
                break;
            }

            bytes.AsSpan(length, isKnown ? 0 : count).Clear();
            length += count;
        }

        return Latin1(bytes.AsSpan(0, length));
    }

    private static string Latin1(ReadOnlySpan<byte> bytes) => System.Text.Encoding.Latin1.GetString(bytes);

    // Equal bytes that never were undecided: only a mask may look back at them.
    private void Remember(ReadOnlySpan<byte> seen)
    {
        if (_masks.Count > 0 && !seen.IsEmpty)
        {
            seen = seen[Math.Max(0, seen.Length - StreamMask.Reach)..];
            Add(seen);
            Pass(seen.Length);
        }
    }

    private void Add(ReadOnlySpan<byte> seen)
    {
        if (_end + seen.Length > _buffer.Length)
        {
            int kept = _masks.Count > 0 ? Math.Min(_start, StreamMask.Reach) : 0;
            int needed = kept + Undecided + seen.Length;
            byte[] target = needed > _buffer.Length || needed < _buffer.Length / 4 ? new byte[Math.Max(needed * 2, 4 * StreamMask.Reach)] : _buffer;
            _buffer.AsSpan(_start - kept, kept + Undecided).CopyTo(target);
            (_buffer, _start, _end) = (target, kept, kept + Undecided);
        }

        seen.CopyTo(_buffer.AsSpan(_end));
        _end += seen.Length;
    }

    private void Pass(int length)
    {
        _start += length;
        if (_start == _end && _masks.Count == 0)
        {
            _start = _end = 0;
        }
    }

    private enum MaskOutcome
    {
        None,
        Passed,
        Undecided,
    }
}
