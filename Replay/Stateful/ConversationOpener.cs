using System.Runtime.InteropServices;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Replay.Stateful;

/// <summary>
/// Opens connections to the server in their order and at their times, as many at once as the order or the options allow.
/// <para>Threads: the loop's.</para>
/// </summary>
internal sealed class ConversationOpener : IPolled, IDisposable
{
    private readonly PlayerContext _context;
    private readonly IReadOnlyList<ConversationScript> _scripts;
    private readonly FlowEndpoint _target;
    private readonly ConversationOrder _order;
    private readonly PriorityQueue<int, (long Due, int Index)> _waiting = new();
    private readonly HashSet<ConversationPlayer> _players = [];
    private readonly bool[] _hasEnded;
    private readonly ulong _key;
    private int _left;

    internal ConversationOpener(PlayerContext context, IReadOnlyList<ConversationScript> scripts, FlowEndpoint target)
    {
        _context = context;
        _scripts = scripts;
        _target = target;
        _left = scripts.Count;
        _hasEnded = new bool[scripts.Count];
        _order = new ConversationOrder(scripts, context.Options.Pace);
        _key = context.Loop.Join(this);
        Queue(_order.Start(EventLoop.Now));
        context.Loop.Reconsider(_key);
    }

    /// <summary>Every connection is over.</summary>
    internal bool IsOver => _left == 0;

    /// <inheritdoc/>
    public long Wake => _waiting.TryPeek(out _, out (long Due, int Index) next) && HasRoom ? next.Due : long.MaxValue;

    private bool HasRoom => _context.Options.MaximumConnections is not { } most || _players.Count < most;

    /// <inheritdoc/>
    public void Run(uint events, long now)
    {
        while (HasRoom && _waiting.TryPeek(out int index, out (long Due, int Index) next) && next.Due <= now)
        {
            _waiting.Dequeue();
            Open(index, now);
            now = EventLoop.Now;
        }
    }

    /// <summary>The replay ends: what is open is cut short.</summary>
    internal void Interrupt(long now)
    {
        foreach (ConversationPlayer player in _players.ToArray())
        {
            player.Interrupt(now);
        }
    }

    public void Dispose()
    {
        foreach (ConversationPlayer player in _players)
        {
            player.Dispose();
        }
    }

    private void Open(int index, long now)
    {
        ConversationScript script = _scripts[index];
        var target = new FlowEndpoint(_target.Address, _context.Options.Port ?? script.Server.Port);
        FileDescriptor? fd = ConversationSockets.Connect(script, target, _context.Options.UsesRepair, _context.Report, out int errno);
        if (fd is null)
        {
            Refuse(script, errno);
            EndForClient(index, now);
            _left--;
            return;
        }

        _players.Add(new ConversationPlayer(_context, index, script, fd, isOpen: false, now, OnEnd));
    }

    private void Refuse(ConversationScript script, int errno)
    {
        StatefulReplayReport report = _context.Report;
        report.Connections++;
        report.Diverged++;
        report.Divergences++;
        _context.Observer?.Diverged(new ReplayDivergence
        {
            ConnectionId = script.Id,
            Client = script.Client,
            Server = script.Server,
            IsOfServer = true,
            Kind = DivergenceKind.Refused,
            Packet = script.FirstPacket,
            Reason = Marshal.GetPInvokeErrorMessage(errno),
        });
        _context.Observer?.Ended(new ConversationOutcome { Script = script, Divergences = 1 });
    }

    private void OnEnd(ConversationPlayer player)
    {
        long now = EventLoop.Now;
        EndForClient(player.Index, now);
        if (player.IsOver)
        {
            _players.Remove(player);
            _left--;
        }

        _context.Loop.Reconsider(_key);
    }

    private void EndForClient(int index, long now)
    {
        if (!_hasEnded[index])
        {
            _hasEnded[index] = true;
            Queue(_order.End(index, now));
        }
    }

    private void Queue(IEnumerable<(int Index, long Due)> free)
    {
        foreach ((int index, long due) in free)
        {
            _waiting.Enqueue(index, (due, index));
        }
    }
}
