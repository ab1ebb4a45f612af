using Interceptor.Packets;

namespace Interceptor.Tcp.Graph;

/// <summary>
/// Records one connection as a time-sequence picture needs it: what was sent, acknowledged, offered and repeated, and when. No I/O.
/// <para>Memory: bounded, apart from the retransmissions, of which each is kept. Threads: the tracker's.</para>
/// </summary>
/// <param name="connectionId">The connection's <see cref="TcpConnection.Id"/>.</param>
/// <param name="buckets">Buckets of time that a longer recording is brought down to, above 0. The default is about two for each pixel of a wide screen.</param>
public sealed class TimeSequenceRecorder(int connectionId, int buckets = TimeSequenceRecorder.DefaultBuckets) : ITcpSegmentObserver
{
    /// <summary>Buckets where nobody says otherwise.</summary>
    public const int DefaultBuckets = 2000;

    private TimeSequenceDirection? _first;
    private TimeSequenceDirection? _second;

    /// <summary>The connection; null as long as none of its segments was seen.</summary>
    public TcpConnection? Connection { get; private set; }

    /// <summary>What the client sent; null as long as <see cref="Connection"/> is.</summary>
    public TimeSequenceDirection? FromClient => ReferenceEquals(Connection?.Client, Connection?.First) ? _first : _second;

    /// <summary>What the server sent; null as long as <see cref="Connection"/> is.</summary>
    public TimeSequenceDirection? FromServer => ReferenceEquals(Connection?.Client, Connection?.First) ? _second : _first;

    /// <inheritdoc/>
    public void Followed(TcpEndpoint sender, in TcpSegment segment, CaptureTimestamp at, long number)
    {
        ArgumentNullException.ThrowIfNull(sender);
        if (sender.Connection.Id != connectionId)
        {
            return;
        }

        Connection = sender.Connection;
        _first ??= new TimeSequenceDirection(Connection.First, buckets);
        _second ??= new TimeSequenceDirection(Connection.Second, buckets);
        bool isFirst = ReferenceEquals(sender, Connection.First);
        TimeSequenceDirection own = isFirst ? _first : _second;
        TimeSequenceDirection other = isFirst ? _second : _first;
        long time = at - Connection.FirstPacketAt;
        TimeSequenceKinds counted = own.Sent(in segment, time, number);
        other.Acknowledged(in segment, counted, time, number);
        own.NoteEdges(time);
        other.NoteEdges(time);
    }
}
