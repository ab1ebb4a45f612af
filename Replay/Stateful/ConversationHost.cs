using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Replay.Stateful;

/// <summary>
/// Listens where the captured servers did, and gives each client that comes its connection of the capture: of those on its port that are left, the first one whose client began with the same
/// bytes, else the one that began most alike.
/// <para>Threads: the loop's.</para>
/// </summary>
internal sealed class ConversationHost : IDisposable
{
    private readonly PlayerContext _context;
    private readonly IReadOnlyList<ConversationScript> _scripts;
    private readonly List<int> _left;
    private readonly List<ListeningPort> _ports = [];
    private readonly HashSet<ConversationPlayer> _players = [];
    private readonly HashSet<ArrivingClient> _arriving = [];
    private bool _isInterrupted;

    internal ConversationHost(PlayerContext context, IReadOnlyList<ConversationScript> scripts)
    {
        _context = context;
        _scripts = scripts;
        _left = [.. Enumerable.Range(0, scripts.Count)];
        StatefulReplayOptions options = context.Options;
        IEnumerable<ushort> ports = options.Port is { } port ? [port] : scripts.Select(static script => script.Server.Port).Distinct();
        try
        {
            foreach (ushort each in ports)
            {
                FileDescriptor fd = ConversationSockets.Listen(options.ListenAddress, each, options.Interface);
                _ports.Add(new ListeningPort(this, fd, options.Port is null ? each : null));
            }
        }
        catch
        {
            Dispose();
            throw;
        }

        foreach (ListeningPort each in _ports)
        {
            each.Join(context.Loop);
            context.Observer?.Listening(ConversationSockets.LocalOf(each.Descriptor));
        }
    }

    /// <summary>Every connection of the capture was played.</summary>
    internal bool IsOver => _left.Count == 0 && _players.Count == 0;

    /// <summary>The replay ends: open connections are cut short, those that nobody asked for are told.</summary>
    internal void Interrupt(long now)
    {
        _isInterrupted = true;
        foreach (ConversationPlayer player in _players.ToArray())
        {
            player.Interrupt(now);
        }

        foreach (int index in _left)
        {
            ConversationScript script = _scripts[index];
            _context.Report.NotAsked++;
            Tell(DivergenceKind.NotAsked, script.Id, script.Client, script.Server, script.FirstPacket);
        }

        _left.Clear();
    }

    public void Dispose()
    {
        foreach (ListeningPort port in _ports)
        {
            port.Dispose();
        }

        foreach (ArrivingClient client in _arriving)
        {
            client.Dispose();
        }

        foreach (ConversationPlayer player in _players)
        {
            player.Dispose();
        }
    }

    private void Arrive(FileDescriptor fd, ushort? port)
    {
        ConversationSockets.SendAtOnce(fd);
        var client = new ArrivingClient(this, fd, port);
        _arriving.Add(client);
        client.Join(_context.Loop);
    }

    // The scripts that are left for a port, in the order of the capture.
    private IEnumerable<int> CandidatesFor(ushort? port) => _left.Where(index => port is null || _scripts[index].Server.Port == port);

    private void Play(ArrivingClient client, int index, long now)
    {
        _arriving.Remove(client);
        _left.Remove(index);
        _players.Add(new ConversationPlayer(_context, index, _scripts[index], client.Release(_context.Loop), isOpen: true, now, OnEnd));
    }

    private void TurnAway(ArrivingClient client)
    {
        _arriving.Remove(client);
        _context.Report.Unexpected++;
        FileDescriptor fd = client.Release(_context.Loop);
        Tell(DivergenceKind.Unexpected, null, ConversationSockets.PeerOf(fd), ConversationSockets.LocalOf(fd), null);
        ConversationSockets.Reset(fd);
    }

    private void Tell(DivergenceKind kind, int? id, FlowEndpoint client, FlowEndpoint server, long? packet)
    {
        _context.Report.Divergences++;
        _context.Observer?.Diverged(new ReplayDivergence { ConnectionId = id, Client = client, Server = server, Kind = kind, Packet = packet });
    }

    private void OnEnd(ConversationPlayer player)
    {
        if (player.IsOver && !_isInterrupted)
        {
            _players.Remove(player);
        }
    }

    /// <summary>A socket that listens.</summary>
    private sealed class ListeningPort(ConversationHost host, FileDescriptor fd, ushort? port) : IPolled, IDisposable
    {
        internal FileDescriptor Descriptor => fd;

        public long Wake => long.MaxValue;

        internal void Join(EventLoop loop) => loop.Watch(loop.Join(this), fd, EventPoll.Readable);

        public void Run(uint events, long now)
        {
            while (NativeSocket.TryAccept(fd, out _) is { } accepted)
            {
                host.Arrive(accepted, port);
            }
        }

        public void Dispose() => fd.Dispose();
    }

    /// <summary>A client of whom it is not known yet which connection of the capture is his: his first bytes are looked at, and left where they are.</summary>
    private sealed class ArrivingClient(ConversationHost host, FileDescriptor fd, ushort? port) : IPolled, IDisposable
    {
        /// <summary>How long a client may be silent before he gets a connection in which the server begins, ns.</summary>
        private const long Patience = 200_000_000;

        private const int Compared = 16 * 1024;

        private ulong _key;

        public long Wake { get; private set; } = long.MaxValue;

        internal void Join(EventLoop loop)
        {
            _key = loop.Join(this);
            loop.Watch(_key, fd, EventPoll.Readable);

            // Where the server begins in all of them there is nothing to wait for.
            bool mayWait = host.CandidatesFor(port).Any(index => host._scripts[index].ClientBytes > 0 && !ServerBegins(index));
            Wake = EventLoop.Now + (mayWait ? Patience : 0);
            loop.Reconsider(_key);
        }

        internal FileDescriptor Release(EventLoop loop)
        {
            loop.Leave(_key, fd);
            return fd;
        }

        public void Run(uint events, long now)
        {
            byte[] room = host._context.Received;
            int count = events == 0 ? 0 : NativeSocket.TryReceive(fd, room.AsSpan(0, Compared), Libc.MSG_PEEK | Libc.MSG_DONTWAIT);
            int? chosen = count > 0 ? MostAlike(room.AsSpan(0, count))
                : host.CandidatesFor(port).Cast<int?>().FirstOrDefault(index => ServerBegins(index!.Value) || (events != 0 && host._scripts[index.Value].ClientBytes == 0));
            Wake = long.MaxValue;
            if (chosen is { } index)
            {
                host.Play(this, index, now);
            }
            else if (events != 0 || !host.CandidatesFor(port).Any())
            {
                host.TurnAway(this);
            }
        }

        public void Dispose() => fd.Dispose();

        private bool ServerBegins(int index)
        {
            ConversationScript script = host._scripts[index];
            return script.ServerStream.Pieces is [var first, ..] && first.PeerOffset == 0;
        }

        private int? MostAlike(ReadOnlySpan<byte> seen)
        {
            int? best = null;
            int longest = -1;
            Span<byte> expected = host._context.Expected.AsSpan(0, seen.Length);
            foreach (int index in host.CandidatesFor(port))
            {
                int alike = expected[..((IExpectedBytes)host._scripts[index].ClientStream).ReadKnown(0, expected)].CommonPrefixLength(seen);
                if (alike == seen.Length)
                {
                    return index;
                }

                if (alike > longest)
                {
                    (longest, best) = (alike, index);
                }
            }

            return best;
        }
    }
}
