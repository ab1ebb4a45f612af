using System.Diagnostics.CodeAnalysis;
using Interceptor.Packets;

namespace Interceptor.Tcp.Activity;

/// <summary>
/// Keeps a <see cref="TcpActivity"/> for each connection that a tracker follows, from its first data or closed window on. Both the tracker's observer and its sink: what the
/// tracker is done with is forgotten here too.
/// <para>Threads: the tracker's, one at a time.</para>
/// </summary>
public sealed class TcpActivityObserver : ITcpSegmentObserver, ITcpConnectionSink
{
    private readonly Dictionary<int, TcpActivity> _activities = [];

    /// <summary>Connections that there is an activity of.</summary>
    public int Count => _activities.Count;

    /// <summary>The activity of a connection that has sent data, or closed a window, and that the tracker still has.</summary>
    public bool TryFind(TcpConnection connection, [NotNullWhen(true)] out TcpActivity? activity)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return _activities.TryGetValue(connection.Id, out activity);
    }

    /// <inheritdoc/>
    public void Followed(TcpEndpoint sender, in TcpSegment segment, CaptureTimestamp at, long number)
    {
        ArgumentNullException.ThrowIfNull(sender);
        TcpConnection connection = sender.Connection;
        if (!_activities.TryGetValue(connection.Id, out TcpActivity? activity))
        {
            if (segment.Length == 0 && !ClosesWindow(in segment))
            {
                return;
            }

            activity = new TcpActivity(connection, at);
            _activities.Add(connection.Id, activity);
        }

        activity.Of(sender).NoteSent(in segment, at);
        activity.Of(sender.Peer).NoteReceived(in segment, at);
        activity.Judge(at);
    }

    // A RST has no window, and a SYN's has no meaning for who holds data back.
    private static bool ClosesWindow(in TcpSegment segment) =>
        segment.WindowField == 0 && (segment.Flags & (TcpFlags.Syn | TcpFlags.Fin | TcpFlags.Rst | TcpFlags.Ack)) == TcpFlags.Ack;

    /// <inheritdoc/>
    public void Take(in TcpConnectionReport report) => _activities.Remove(report.Id);
}
