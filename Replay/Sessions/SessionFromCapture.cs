using System.Globalization;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Checkpoint;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Rebuild;

namespace Interceptor.Replay;

/// <summary>
/// One end of a connection as a session image out of a capture alone, without its host: <see cref="SessionRestore"/> goes on with it as with one that was taken from the kernel.
/// Any thread.
/// </summary>
public static class SessionFromCapture
{
    private const string Step = "checkpoint from a capture";

    /// <summary>Reads the capture up to the instant and rebuilds the end.</summary>
    /// <param name="source">The capture; stays the caller's. One that ends inside a packet, as its writer was killed, is read as far as it goes.</param>
    /// <param name="options">Which end, and as of when.</param>
    /// <param name="origin">How the end came to its connection, for <see cref="SessionImage.WrittenOffset"/>.</param>
    /// <exception cref="CheckpointException">The capture does not have it, it is over, or something of it is missing: the message names what.</exception>
    /// <exception cref="CaptureFileException">The capture is damaged.</exception>
    /// <exception cref="OperationCanceledException">The reading was interrupted.</exception>
    public static SessionImage Read(CaptureFileReader source, SessionFromCaptureOptions options, out StreamOrigin origin)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        var recorder = new SocketRecorder(options.Request);
        var tracker = new TcpTracker(new TcpTrackerOptions { HashStreams = false }, observer: recorder, sink: recorder);
        var warnings = new List<string>();
        long? latest = options.IsRelative ? null : options.At;
        CaptureTimestamp last = default;
        while (TryRead(source, warnings, out CapturedPacket packet))
        {
            CaptureTimestamp at = packet.Metadata.Timestamp;
            latest ??= options.At is { } distance ? (at + distance).Nanoseconds : null;
            if (latest is { } limit && at.Nanoseconds > limit)
            {
                continue;
            }

            last = at > last ? at : last;
            PacketView view = packet.Parse();
            tracker.Process(in view, at, packet.Metadata.Number);
        }

        if (source.WasInterrupted)
        {
            throw new OperationCanceledException();
        }

        RebuildOutcome outcome = recorder.Rebuild(latest is { } instant && instant > last.Nanoseconds ? new CaptureTimestamp(instant) : last);
        if (outcome.Socket is not { } socket)
        {
            throw Refuse(outcome, tracker, options);
        }

        origin = socket.IsClient ? StreamOrigin.Connected : StreamOrigin.Accepted;
        SessionImage image = CapturedSession.ToImage(socket);
        return image with { Warnings = [.. warnings, .. image.Warnings] };
    }

    // A capture ends in the middle of a packet where its host, or its writer, ended: what came before is as good as ever.
    private static bool TryRead(CaptureFileReader source, List<string> warnings, out CapturedPacket packet)
    {
        try
        {
            return source.TryRead(out packet);
        }
        catch (CaptureFileException exception) when (exception.Fault == CaptureFileFault.Truncated)
        {
            warnings.Add($"the capture was cut short ({exception.Message}): this is the state at its last whole packet.");
            packet = default;
            return false;
        }
    }

    private static CheckpointException Refuse(RebuildOutcome outcome, TcpTracker tracker, SessionFromCaptureOptions options)
    {
        string problem = outcome.Fault switch
        {
            RebuildFault.NotFound => WhyNotFound(tracker, options),
            RebuildFault.HandshakeMissing =>
                $"{outcome.Problem} Give them as the SYNs had them, as: --assume mss=1460,snd-window-scale=7,rcv-window-scale=7,sack=yes (or window-scale=none).",
            RebuildFault.BytesMissing => $"{outcome.Problem} Choose another instant with --at.",
            _ => outcome.Problem,
        };
        return new CheckpointException(
            Step, problem, "No image was made.", outcome.Fault == RebuildFault.NotFound ? CheckpointFailure.NotFound : CheckpointFailure.Refused);
    }

    private static string WhyNotFound(TcpTracker tracker, SessionFromCaptureOptions options)
    {
        int count = tracker.Statistics.Begun;
        string when = options.At is null ? "" : " by that instant";
        if (count == 0)
        {
            return $"the capture has no TCP connection{when}.";
        }

        return options.Request.Ends is { } ends
            ? $"the capture has no connection between {ends.Local} and {ends.Peer}{when}. Its connections: interceptor tcp FILE."
            : string.Create(
                CultureInfo.InvariantCulture,
                $"no connection has the id {options.Request.ConnectionId}{when}: the ids are 0 to {count - 1}. Its connections: interceptor tcp FILE.");
    }
}
