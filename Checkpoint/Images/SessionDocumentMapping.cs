using System.Globalization;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>An image to session.json and back; the second direction checks every value.</summary>
internal static class SessionDocumentMapping
{
    /// <summary>BPF_MAXINSNS instructions of two words.</summary>
    private const int MaxFilterWords = 2 * 4096;

    private const string KernelSource = "kernel";
    private const string CaptureSource = "capture";

    internal static SessionDocument ToDocument(SessionImage image, IReadOnlyList<SessionFile> files)
    {
        TcpSnapshot snapshot = image.Snapshot;
        return new SessionDocument
        {
            Format = SessionDocument.FormatName,
            Version = SessionDocument.CurrentVersion,
            Id = image.Id,
            Source = image.Source == SessionSource.Kernel ? KernelSource : CaptureSource,
            Assumed = image.Assumed,
            Connection = new() { Local = snapshot.Local.ToString(), Peer = snapshot.Peer.ToString(), State = snapshot.State.ToRfcName() },
            Sequences = new()
            {
                SndUna = snapshot.SndUna.Value,
                SndNxt = snapshot.SndNxt.Value,
                WriteSeq = snapshot.WriteSeq.Value,
                SndWnd = snapshot.SndWnd,
                SndWl1 = snapshot.SndWl1.Value,
                MaxWindow = snapshot.MaxWindow,
                CopiedSeq = snapshot.CopiedSeq.Value,
                RcvNxt = snapshot.RcvNxt.Value,
                RcvWnd = snapshot.RcvWnd,
                RcvWup = snapshot.RcvWup.Value,
            },
            Options = new()
            {
                Mss = snapshot.MssClamp,
                WindowScaling = snapshot.WindowScaling,
                SndWindowScale = snapshot.SndWindowScale,
                RcvWindowScale = snapshot.RcvWindowScale,
                SackPermitted = snapshot.SackPermitted,
                Timestamps = snapshot.Timestamps,
                TimestampValue = snapshot.TimestampValue,
                MicrosecondTimestamps = image.MicrosecondTimestamps,
                HadEcn = image.HadEcn,
            },
            Clock = new()
            {
                BootId = image.BootId,
                BootTimeNs = image.CutBootTimeNanoseconds,
                WallNs = image.CutAt.Nanoseconds,
                Wall = DateTimeOffset.FromUnixTimeMilliseconds(image.CutAt.Nanoseconds / 1_000_000).UtcDateTime.ToString("O", CultureInfo.InvariantCulture),
            },
            Socket = image.Settings,
            Counters = image.Counters,
            Lock = image.Lock,
            Warnings = image.Warnings,
            Files = files,
        };
    }

    /// <summary>Null, with a sentence in <paramref name="problem"/>, for a document whose values contradict each other or the queues.</summary>
    internal static SessionImage? ToImage(SessionDocument document, byte[] receiveQueue, byte[] sendQueue, out string problem)
    {
        problem = "";
        if (!FlowEndpoint.TryParse(document.Connection.Local, out FlowEndpoint local)
            || !FlowEndpoint.TryParse(document.Connection.Peer, out FlowEndpoint peer) || local.Address.Version != peer.Address.Version)
        {
            problem = $"'{document.Connection.Local}' and '{document.Connection.Peer}' are not the two ends of a connection.";
            return null;
        }

        TcpState state = Enum.GetValues<TcpState>().FirstOrDefault(state => state.ToRfcName() == document.Connection.State);
        if (!SocketEligibility.IsTaken(state))
        {
            problem = $"its state is '{document.Connection.State}', which can't be restored.";
            return null;
        }

        if (state == TcpState.Listen != SocketEndpoints.IsNoPeer(peer))
        {
            problem = $"its state is '{document.Connection.State}', which does not go with the ends {local} and {peer}.";
            return null;
        }

        TcpSnapshot snapshot = ToSnapshot(document, local, peer, state);
        if (!AreSane(snapshot, document))
        {
            problem = "its sequence numbers, windows or options contradict each other.";
            return null;
        }

        if (snapshot.QueuedBytes != sendQueue.Length || snapshot.UnreadBytes != receiveQueue.Length)
        {
            problem = $"its queues have {receiveQueue.Length} and {sendQueue.Length} bytes, where its sequence numbers say {snapshot.UnreadBytes} "
                + $"and {snapshot.QueuedBytes}.";
            return null;
        }

        return new SessionImage
        {
            Id = document.Id,
            Source = document.Source == KernelSource ? SessionSource.Kernel : SessionSource.Capture,
            Assumed = document.Assumed,
            Snapshot = snapshot,
            ReceiveQueue = receiveQueue,
            SendQueue = sendQueue,
            Settings = document.Socket,
            Counters = document.Counters,
            MicrosecondTimestamps = document.Options.MicrosecondTimestamps,
            HadEcn = document.Options.HadEcn,
            BootId = document.Clock.BootId,
            CutBootTimeNanoseconds = document.Clock.BootTimeNs,
            CutAt = new CaptureTimestamp(document.Clock.WallNs),
            Lock = document.Lock,
            Warnings = document.Warnings,
        };
    }

    private static TcpSnapshot ToSnapshot(SessionDocument document, FlowEndpoint local, FlowEndpoint peer, TcpState state)
    {
        SessionSequences sequences = document.Sequences;
        SessionOptions options = document.Options;
        return new TcpSnapshot
        {
            Local = local,
            Peer = peer,
            State = state,
            SndUna = new(sequences.SndUna),
            SndNxt = new(sequences.SndNxt),
            WriteSeq = new(sequences.WriteSeq),
            SndWnd = sequences.SndWnd,
            SndWl1 = new(sequences.SndWl1),
            MaxWindow = sequences.MaxWindow,
            CopiedSeq = new(sequences.CopiedSeq),
            RcvNxt = new(sequences.RcvNxt),
            RcvWnd = sequences.RcvWnd,
            RcvWup = new(sequences.RcvWup),
            MssClamp = options.Mss,
            WindowScaling = options.WindowScaling,
            SndWindowScale = options.SndWindowScale,
            RcvWindowScale = options.RcvWindowScale,
            SackPermitted = options.SackPermitted,
            Timestamps = options.Timestamps,
            TimestampValue = options.TimestampValue,
            FinQueued = state.HasOwnFin(),
            FinReceived = state.HasPeerFin(),
        };
    }

    private static bool AreSane(TcpSnapshot snapshot, SessionDocument document) =>
        snapshot.SndUna <= snapshot.SndNxt && snapshot.SndNxt <= snapshot.WriteSeq && snapshot.CopiedSeq <= snapshot.RcvNxt
        && snapshot.RcvWup <= snapshot.RcvNxt && snapshot.SndWindowScale is >= 0 and <= 14 && snapshot.RcvWindowScale is >= 0 and <= 14
        && snapshot.MssClamp is > 0 and <= ushort.MaxValue && document.Socket is { ReceiveBuffer: > 0, SendBuffer: > 0 }
        && (snapshot.State != TcpState.SynSent || snapshot.WriteSeq - snapshot.SndUna == 1)
        && document.Socket.Backlog >= 0 && document.Socket.Filter.Length <= MaxFilterWords && document.Socket.Filter.Length % 2 == 0
        && document.Socket.Options.Values.All(words => words is { Length: > 0 and <= 4 })
        && (document.Source is KernelSource or CaptureSource)
        && document.Id.Length is > 0 and <= 64 && document.Id.All(char.IsAsciiLetterOrDigit);
}
