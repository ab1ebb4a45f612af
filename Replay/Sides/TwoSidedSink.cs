using Interceptor.Capture;
using Interceptor.Capture.Injection;
using Interceptor.Packets;

namespace Interceptor.Replay.Sides;

/// <summary>
/// Sends each packet by the interface of its side, which a <see cref="SidedSource"/> gave it; a packet whose side is unknown leaves by the client's and is counted.
/// <para>Each interface gathers packets of its own. Where the order between the two is to be kept, what one has gathered is sent before the other takes a packet;
/// else, at top speed, only the order within a side is kept.</para>
/// <para>Threads: one writer; the counts may be read on any.</para>
/// </summary>
public sealed class TwoSidedSink : IPacketInjector
{
    private readonly Side _client;
    private readonly Side _server;
    private readonly bool _keepsOrder;
    private long _unknownPackets;

    /// <summary>Joins two, which it owns then: <see cref="LinkInjector"/>s, or sinks of a rehearsal.</summary>
    /// <param name="client">Takes what clients sent.</param>
    /// <param name="server">Takes what servers sent.</param>
    /// <param name="keepsOrder">Keep the order between the two sides as well.</param>
    public TwoSidedSink(IPacketSink client, IPacketSink server, bool keepsOrder)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(server);
        _client = new Side(client);
        _server = new Side(server);
        _keepsOrder = keepsOrder;
    }

    /// <inheritdoc/>
    public string Carrier => string.Join(" and ", new[] { _client.Injector?.Carrier, _server.Injector?.Carrier }.OfType<string>());

    /// <inheritdoc/>
    public InjectionStatistics Statistics
    {
        get
        {
            InjectionStatistics client = _client.Statistics;
            InjectionStatistics server = _server.Statistics;
            return new InjectionStatistics
            {
                SentPackets = client.SentPackets + server.SentPackets,
                SentBytes = client.SentBytes + server.SentBytes,
                FailedPackets = client.FailedPackets + server.FailedPackets,
                DeviceQueueWaits = client.DeviceQueueWaits + server.DeviceQueueWaits,
                SocketBufferWaits = client.SocketBufferWaits + server.SocketBufferWaits,
                Failures = [.. client.Failures.Select(static failure => OnSide(failure, "client")), .. server.Failures.Select(static failure => OnSide(failure, "server"))],
            };
        }
    }

    /// <summary>What left by the client's interface.</summary>
    public SideCounts Client => _client.Counts;

    /// <summary>What left by the server's interface.</summary>
    public SideCounts Server => _server.Counts;

    /// <summary>Packets that were given to the client's interface because nothing told their side.</summary>
    public long UnknownPackets => Interlocked.Read(ref _unknownPackets);

    /// <inheritdoc/>
    public bool IsMuted
    {
        get => _client.IsMuted;
        set => _client.IsMuted = _server.IsMuted = value;
    }

    /// <summary>True if one of the two can carry it; if it is the other's, that one counts it as failed.</summary>
    public bool Accepts(LinkType linkType) => _client.Accepts(linkType) || _server.Accepts(linkType);

    /// <inheritdoc/>
    public void Write(in CapturedPacket packet)
    {
        PacketSide mark = PacketSides.MarkOf(packet.Metadata);
        if (mark == PacketSide.Unknown && !IsMuted)
        {
            Interlocked.Increment(ref _unknownPackets);
        }

        Side side = mark == PacketSide.Server ? _server : _client;
        if (_keepsOrder)
        {
            (side == _server ? _client : _server).Flush();
        }

        side.Write(in packet);
    }

    /// <inheritdoc/>
    public void Flush()
    {
        _client.Flush();
        _server.Flush();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _client.Sink.Dispose();
        _server.Sink.Dispose();
    }

    private static InjectionFailure OnSide(InjectionFailure failure, string side) => failure with { Reason = $"{failure.Reason}, on the {side}'s side" };

    /// <summary>One of the two, and what was given to it.</summary>
    private sealed class Side(IPacketSink sink)
    {
        private long _packets;
        private long _bytes;
        private bool _hasGathered;

        internal IPacketSink Sink { get; } = sink;

        internal IPacketInjector? Injector { get; } = sink as IPacketInjector;

        /// <summary>A sink that can't fail has sent what it was given.</summary>
        internal InjectionStatistics Statistics => Injector?.Statistics ?? new InjectionStatistics
        {
            SentPackets = Interlocked.Read(ref _packets),
            SentBytes = Interlocked.Read(ref _bytes),
            FailedPackets = 0,
            DeviceQueueWaits = 0,
            SocketBufferWaits = 0,
            Failures = [],
        };

        internal SideCounts Counts
        {
            get
            {
                InjectionStatistics statistics = Statistics;
                return new SideCounts(statistics.SentPackets, statistics.SentBytes, statistics.FailedPackets);
            }
        }

        internal bool Accepts(LinkType linkType) => Injector?.Accepts(linkType) ?? true;

        internal bool IsMuted
        {
            get;
            set
            {
                field = value;
                _ = Injector?.IsMuted = value;
            }
        }

        internal void Write(in CapturedPacket packet)
        {
            if (IsMuted && Injector is null)
            {
                return;
            }

            Sink.Write(in packet);
            _packets += IsMuted ? 0 : 1;
            _bytes += IsMuted ? 0 : packet.Data.Length;
            _hasGathered = true;
        }

        internal void Flush()
        {
            if (_hasGathered)
            {
                _hasGathered = false;
                Sink.Flush();
            }
        }
    }
}
