using Interceptor.Packets;
using Interceptor.Replay.Sides;
using Interceptor.Tcp;
using Interceptor.Tcp.Streams;

namespace Interceptor.Replay.Stateful;

/// <summary>
/// Makes scripts of the connections that a <see cref="TcpTracker"/> follows.
/// <para>Threads: the tracker's.</para>
/// </summary>
internal sealed class ScriptRecorder(StreamStore store) : ITcpStreamConsumer, ITcpSegmentObserver
{
    private readonly List<Recording> _recordings = [];

    /// <inheritdoc/>
    public bool Wants(TcpEndpoint sender) => true;

    /// <inheritdoc/>
    public void OnData(TcpEndpoint sender, CaptureTimestamp at, ReadOnlySpan<byte> data) => RecordingOf(sender.Connection).Of(sender).Deliver(data);

    /// <inheritdoc/>
    public void OnMissing(TcpEndpoint sender, CaptureTimestamp at, long length) => RecordingOf(sender.Connection).Of(sender).DeliverMissing(length);

    /// <inheritdoc/>
    public void Followed(TcpEndpoint sender, in TcpSegment segment, CaptureTimestamp at, long number)
    {
        Recording recording = RecordingOf(sender.Connection);
        SideRecording side = recording.Of(sender);
        if (!segment.Syn && recording.EstablishedAt is null && ReferenceEquals(sender, sender.Connection.Client))
        {
            recording.EstablishedAt = at.Nanoseconds;
        }

        side.Follow(in segment, at, number);
        side.Resolve();
        recording.Of(sender.Peer).Resolve();
    }

    /// <summary>The tracker is finished: the scripts, in order of the connections' ids, and for each why it can't be played by the side that is asked for.</summary>
    internal IEnumerable<(ConversationScript Script, string? Obstacle, string? Reservation)> Complete(ConversationSelection selection)
    {
        for (int id = 0; id < _recordings.Count; id++)
        {
            Recording recording = _recordings[id];
            ConversationScript script = recording.Complete(id);
            yield return (script, recording.ObstacleTo(script, selection), ReservationOf(script, selection));
        }
    }

    private static string? ReservationOf(ConversationScript script, ConversationSelection selection)
    {
        long missing = script.StreamOf(!selection.AsClient).MissingBytes;
        return missing == 0 ? null : $"the capture lacks {missing} bytes that the {(selection.AsClient ? "server" : "client")} sent: they are not compared";
    }

    private Recording RecordingOf(TcpConnection connection)
    {
        while (_recordings.Count <= connection.Id)
        {
            _recordings.Add(null!);
        }

        return _recordings[connection.Id] ??= new Recording(connection, store);
    }

    private sealed class Recording(TcpConnection connection, StreamStore store)
    {
        private readonly SideRecording _first = new(connection.First, new ScriptStream(store));
        private readonly SideRecording _second = new(connection.Second, new ScriptStream(store));

        internal long? EstablishedAt { get; set; }

        // Where no SYN tells, the ports do, as in a replay on two interfaces.
        private TcpEndpoint Client =>
            connection.Opening == TcpOpening.Handshake || SideLearner.ClassOf(connection.First.Address.Port) >= SideLearner.ClassOf(connection.Second.Address.Port)
                ? connection.Client
                : connection.Second;

        internal SideRecording Of(TcpEndpoint end) => ReferenceEquals(end, connection.First) ? _first : _second;

        internal ConversationScript Complete(int id)
        {
            TcpEndpoint client = Client;
            SideRecording ours = Of(client);
            SideRecording theirs = Of(client.Peer);
            ours.Resolve();
            theirs.Resolve();
            if (connection.Opening == TcpOpening.Handshake)
            {
                ours.AddUnseenTail(theirs.Acknowledged);
                theirs.AddUnseenTail(ours.Acknowledged);
            }

            ours.Complete(theirs);
            theirs.Complete(ours);
            return new ConversationScript(id, ours.Stream, theirs.Stream)
            {
                Client = client.Address,
                Server = client.Peer.Address,
                FirstPacket = connection.FirstPacketNumber,
                ClientInitialSequence = connection.Opening == TcpOpening.Handshake ? client.FirstNumber : null,
                ClientSegmentSize = client.Offer.MaximumSegmentSize,
                OpenedAt = connection.FirstPacketAt.Nanoseconds,
                EstablishedAt = EstablishedAt ?? connection.FirstPacketAt.Nanoseconds,
                EndedAt = EndOf(ours.Stream, theirs.Stream),
            };
        }

        internal string? ObstacleTo(ConversationScript script, ConversationSelection selection)
        {
            ScriptStream own = script.StreamOf(selection.AsClient);
            string side = selection.AsClient ? "client" : "server";
            return script.Client == script.Server ? "it talks to itself"
                : connection.Opening == TcpOpening.Midstream && !selection.IncludesMidstream ? "its beginning is not in the capture (--midstream plays what there is)"
                : connection.Opening == TcpOpening.Handshake && connection.Server.Counters.Packets == 0 && script.ServerBytes == 0 ? "the capture shows no answer to its SYN"
                : connection.Opening == TcpOpening.Handshake && !connection.Server.Offer.IsKnown && script.ServerStream.Reset is not null ? "it was refused in the capture"
                : own.MissingBytes > 0 ? $"the capture lacks {own.MissingBytes} bytes that the {side} sent"
                : null;
        }

        private static long EndOf(ScriptStream client, ScriptStream server)
        {
            if (client.Reset is not null || server.Reset is not null)
            {
                return Math.Min(client.Reset?.At ?? long.MaxValue, server.Reset?.At ?? long.MaxValue);
            }

            long last = server.Pieces is [.., var piece] ? piece.At : long.MinValue;
            return client.Fin is { } fin ? Math.Max(fin.At, last) : long.MaxValue;
        }
    }
}
