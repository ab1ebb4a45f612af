using Interceptor.Capture;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Replay.Stateful;

/// <summary>
/// Reads what can be played out of a capture, in one pass. Memory: some kilobytes for each connection and 40 bytes for each packet that carried data; the data go to a temporary
/// file as large as all streams together.
/// </summary>
public static class ConversationReader
{
    /// <summary>Reads to the end of the source, or to its damage: what was read till then can be played.</summary>
    /// <param name="source">The packets; stays the caller's.</param>
    /// <param name="selection">Which connections.</param>
    /// <param name="progress">Is told now and then how many packets were read; null for nobody.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="IOException">The temporary file can't be written.</exception>
    public static ConversationSet Read(IPacketSource source, ConversationSelection selection, Action<long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(selection);
        var store = new StreamStore();
        var set = new ConversationSet(store);
        try
        {
            var recorder = new ScriptRecorder(store);
            var tracker = new TcpTracker(new TcpTrackerOptions { HashStreams = false }, recorder, recorder);
            while (TryRead(source, set, out CapturedPacket packet))
            {
                cancellation.ThrowIfCancellationRequested();
                Take(in packet, tracker, selection, set);
                if (set.Packets % 1024 == 0)
                {
                    progress?.Invoke(set.Packets);
                }
            }

            cancellation.ThrowIfCancellationRequested();
            tracker.Finish();
            set.Segments = tracker.Segments;
            set.Connections = tracker.Statistics.Begun;
            Choose(recorder, selection, set);
            return set;
        }
        catch
        {
            set.Dispose();
            throw;
        }
    }

    private static void Take(in CapturedPacket packet, TcpTracker tracker, ConversationSelection selection, ConversationSet set)
    {
        set.Packets++;
        if (selection.Filter is { } filter && !filter.Matches(in packet))
        {
            set.NotMatching++;
            return;
        }

        PacketView view = packet.Parse();
        tracker.Process(in view, packet.Metadata.Timestamp, packet.Metadata.Number);
    }

    private static bool TryRead(IPacketSource source, ConversationSet set, out CapturedPacket packet)
    {
        try
        {
            return source.TryRead(out packet);
        }
        catch (CaptureFileException damage)
        {
            set.Damage = damage;
            packet = default;
            return false;
        }
    }

    private static void Choose(ScriptRecorder recorder, ConversationSelection selection, ConversationSet set)
    {
        var scripts = new List<ConversationScript>();
        var skipped = new List<SkippedConversation>();
        var reservations = new List<SkippedConversation>();
        foreach ((ConversationScript script, string? obstacle, string? reservation) in recorder.Complete(selection))
        {
            if (selection.Ids.Count > 0 && !selection.Ids.Contains(script.Id))
            {
                continue;
            }

            if (obstacle is not null)
            {
                skipped.Add(new SkippedConversation(script.Id, script.Client, script.Server, obstacle));
            }
            else if (selection.Limit is not { } limit || scripts.Count < limit)
            {
                UncomparedAnswers.Forget(script.StreamOf(selection.AsClient), script.StreamOf(!selection.AsClient), selection.UncomparedAnswersTo);
                scripts.Add(script);
                if (reservation is not null)
                {
                    reservations.Add(new SkippedConversation(script.Id, script.Client, script.Server, reservation));
                }
            }
        }

        set.Scripts = scripts;
        set.Skipped = skipped;
        set.Reservations = reservations;
    }
}
