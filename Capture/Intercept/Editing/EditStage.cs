using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Replaces bytes in what packets carry, and keeps TCP connections valid (<see cref="ConnectionEditor"/>). What was damaged before passes as it is, so that its receiver can tell.
/// <para>Threads: that of its worker.</para>
/// </summary>
internal sealed partial class EditStage : IOutgoingStage, IEditingOutput
{
    private const long SweepInterval = 10 * CaptureTimestamp.NanosecondsPerSecond;
    private readonly IOutgoingStage _next;
    private readonly PacketExit _exit;
    private readonly InterceptionQueue _queue;
    private readonly InterceptCourse _course;
    private readonly OwnPackets _own;
    private readonly EditingScratch _scratch = new();
    private readonly ConnectionTable _connections;
    private readonly DatagramEditor _datagrams;
    private readonly TimerWheel<ConnectionEditor> _timers = new();
    private long _nextSweep = long.MaxValue;
    private bool _isFullTold;
    private bool _isTooLongTold;
    private bool _ended;

    /// <param name="rules">What is replaced.</param>
    /// <param name="next">Where packets go on to.</param>
    /// <param name="exit">Where they end.</param>
    /// <param name="queue">Where their verdicts wait to be sent.</param>
    /// <param name="course">Who watches.</param>
    /// <param name="own">Sends packets of our own.</param>
    internal EditStage(ReplacementSet rules, IOutgoingStage next, PacketExit exit, InterceptionQueue queue, InterceptCourse course, OwnPackets own)
    {
        _next = next;
        _exit = exit;
        _queue = queue;
        _course = course;
        _own = own;
        _connections = new ConnectionTable(rules, _scratch);
        _datagrams = new DatagramEditor(rules, _scratch);
    }

    public bool NeedsBytes => true;

    public long NextDue => Math.Min(_timers.NextDue, _nextSweep);

    /// <summary>Replacements made.</summary>
    internal long Replacements => _scratch.Replacements;

    /// <summary>Bytes by which they made what was carried longer.</summary>
    internal long Growth => _scratch.Growth;

    /// <summary>Connections left as they are because their beginning was not seen.</summary>
    internal long MidstreamRefused { get; private set; }

    /// <summary>Connections left as they are for another reason.</summary>
    internal long Refused { get; private set; }

    /// <summary>Connections whose numbers were translated when the end came, which ended them.</summary>
    internal long CutAtEnd { get; private set; }

    public void Pass(in OutgoingPacket packet)
    {
        if (packet.IsChanged || packet.Packet.IsTruncated)
        {
            _next.Pass(in packet);
            return;
        }

        PacketView view = PacketView.Parse(packet.Bytes, LinkType.Raw);
        if (!EditedSegment.TryRead(in view, out EditedSegment segment))
        {
            PassDatagram(in packet, in view);
            return;
        }

        if (IsDamaged(in packet, in view) || !view.TryGetFlow(out FlowKey flow))
        {
            _next.Pass(in packet);
            return;
        }

        Take(in packet);
        ConnectionEditor? connection = _connections.Find(in flow, in segment, this, out int direction);
        if (connection is null)
        {
            TellFull();
            GoOn(null);
            return;
        }

        long now = Clock.MonotonicNanoseconds();
        _nextSweep = Math.Min(_nextSweep, now + SweepInterval);
        bool wasRefused = connection.Refusal is not null && connection.LastSeen > 0;
        connection.Take(direction, packet.Packet.Hook, in segment, now, this);
        if (connection.Refusal is not null && !wasRefused)
        {
            TellRefused(connection);
        }

        if (_ended)
        {
            connection.Release(this);
        }
        else
        {
            Arm(connection);
        }
    }

    public void ReleaseDue(long now)
    {
        while (_timers.TryTake(now, out ConnectionEditor? connection))
        {
            connection.ArmedFor = connection.ArmedFor <= now ? long.MaxValue : connection.ArmedFor;
            connection.Expire(now, this);
            Arm(connection);
        }

        if (_nextSweep <= now)
        {
            int lost = _connections.Sweep(now);
            if (lost > 0)
            {
                _course.Notice($"{lost} translated connections were silent for five days and are forgotten: should they go on, they break.");
            }

            _nextSweep = _connections.Count == 0 ? long.MaxValue : now + SweepInterval;
        }
    }

    public void End()
    {
        _ended = true;
        foreach (ConnectionEditor connection in _connections.All)
        {
            connection.Release(this);
            if (connection.IsTranslated && !connection.IsClosed)
            {
                connection.ResetBoth(this);
                CutAtEnd++;
            }
        }
    }

    // One entry for each connection, but where it is due earlier than it was.
    private void Arm(ConnectionEditor connection)
    {
        if (connection.NextDue < connection.ArmedFor)
        {
            connection.ArmedFor = connection.NextDue;
            _timers.Add(connection, connection.NextDue);
        }
    }

    private static bool IsDamaged(in OutgoingPacket packet, in PacketView view) =>
        !packet.Packet.IsChecksumNotReady && PacketChecksums.Verify(in view).Transport == ChecksumStatus.Incorrect;

    private void PassDatagram(in OutgoingPacket packet, in PacketView view)
    {
        ReadOnlySpan<byte> edited = default;
        int replaced = 0;
        bool isTooLong = false;
        if (IsDamaged(in packet, in view) || !_datagrams.TryEdit(in view, out edited, out replaced, out isTooLong))
        {
            if (isTooLong && !_isTooLongTold)
            {
                _isTooLongTold = true;
                _course.Notice("a datagram would be longer than 64 KiB with its replacements: such ones stay as they are.");
            }

            _next.Pass(in packet);
            return;
        }

        Take(in packet);
        GoOn(null, edited, replaced, edited.Length - packet.Bytes.Length);
    }

    private void TellRefused(ConnectionEditor connection)
    {
        MidstreamRefused += connection.IsMidstream ? 1 : 0;
        Refused += connection.IsMidstream ? 0 : 1;
        _course.Notice($"{connection.Flow} is not edited: {connection.Refusal}");
    }

    private void TellFull()
    {
        if (!_isFullTold)
        {
            _isFullTold = true;
            _course.Notice($"{_connections.Count} connections are followed, no more fit: further ones pass unedited.");
        }
    }
}
