using System.Net.Sockets;
using Interceptor.Capture.Files;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.LinuxTests.Tcp;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Tcp;
using Interceptor.Tcp.Rebuild;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>
/// A <see cref="RecordedTransfer"/> as it runs: up to the cut, where the kernel's socket and the capture of its host become an image each, and from the capture's image to the end.
/// </summary>
internal sealed class RecordedRun : IDisposable
{
    private readonly RecordedTransfer _transfer;
    private readonly string _directory = Directory.CreateTempSubdirectory("recorded-run-").FullName;
    private readonly TruthLab _lab;
    private readonly byte[] _out;
    private readonly byte[] _in;
    private readonly byte[] _gotOut;
    private readonly byte[] _gotIn;
    private readonly Socket _peer;
    private Socket _own;
    private int _written;
    private int _peerWritten;
    private int _read;
    private int _peerRead;
    private bool _peerHasEnded;

    internal RecordedRun(RecordedTransfer transfer)
    {
        _transfer = transfer;
        _lab = new TruthLab(transfer.LabOptions(_directory));
        (_own, _peer) = transfer.IsClient ? (_lab.Client, _lab.Server) : (_lab.Server, _lab.Client);
        _out = TcpLink.Pattern(transfer.Number, transfer.OwnBytes);
        _in = TcpLink.Pattern(transfer.Number + 1000, transfer.PeerBytes);
        (_gotOut, _gotIn) = (new byte[_out.Length], new byte[_in.Length]);
    }

    internal string KernelImage => Path.Combine(_directory, "kernel");

    internal string CapturedImage => Path.Combine(_directory, "captured");

    private NetworkNamespace Host => _transfer.IsClient ? _lab.ClientHost : _lab.ServerHost;

    private (FlowEndpoint Local, FlowEndpoint Peer) Ends => _transfer.IsClient ? (_lab.ClientEnd, _lab.ServerEnd) : (_lab.ServerEnd, _lab.ClientEnd);

    private PacketHold ToOwn => _transfer.IsClient ? _lab.ToClient : _lab.ToServer;

    private PacketHold ToPeer => _transfer.IsClient ? _lab.ToServer : _lab.ToClient;

    /// <summary>A part of both streams goes through, then more is under way, and FINs where the transfer has them.</summary>
    internal void Begin()
    {
        int outPart = (int)(_out.Length * _transfer.Part);
        int inPart = (int)(_in.Length * _transfer.Part);
        TruthLab.Until(() =>
        {
            Write(_own, _out, ref _written, outPart);
            Write(_peer, _in, ref _peerWritten, inPart);
            Read(_peer, _gotOut, ref _peerRead, outPart);
            Read(_own, _gotIn, ref _read, _transfer.ReadsSlowly ? inPart / 2 : inPart);
            return _written == outPart && _peerWritten == inPart && _peerRead == outPart && _read == (_transfer.ReadsSlowly ? inPart / 2 : inPart);
        }, $"the first part of {_transfer}");

        if (_transfer.Ending == TcpState.Established)
        {
            LeaveUnderWay(outPart, inPart);
        }
        else
        {
            Reach(_transfer.Ending);
        }
    }

    /// <summary>Nothing reaches the socket any more; the kernel's dump and the recording are of one instant.</summary>
    internal (SessionImage Kernel, SessionImage Captured) Cut()
    {
        SessionImage? kernel = null;
        TruthLab.Until(() => (kernel = TryDump()) is not null, $"a dump without a segment beside it, {_transfer}");
        SessionImage captured = BuildFromCapture(kernel!.CutAt);
        SessionFiles.Write(KernelImage, kernel);
        SessionFiles.Write(CapturedImage, captured);
        return (kernel, captured);
    }

    /// <summary>Both streams to their ends, the end that was rebuilt being the one from the capture.</summary>
    internal void Finish()
    {
        using RestoredSession restored = Host.Run(() => SessionRestore.Resume(CapturedImage));
        SessionImage image = restored.Image;
        Assert.Empty(restored.Socket.Warnings);
        using Socket own = restored.Socket.TakeSocket();
        own.Blocking = false;
        _own = own;
        Assert.Equal(_read, image.ReadOffset);
        bool hasEnded = image.Snapshot.FinQueued;
        _written = hasEnded ? _out.Length : (int)image.WrittenOffset(_transfer.IsClient ? StreamOrigin.Connected : StreamOrigin.Accepted);
        _lab.Release();
        TruthLab.Until(() =>
        {
            Write(_own, _out, ref _written, _out.Length);
            Write(_peer, _in, ref _peerWritten, _in.Length);
            Read(_peer, _gotOut, ref _peerRead, _out.Length);
            Read(_own, _gotIn, ref _read, _in.Length);
            return _peerRead == _out.Length && _read == _in.Length;
        }, $"the end of {_transfer}: read {_read} of {_in.Length}, peer {_peerRead} of {_out.Length}");
        Assert.Equal(TcpLink.Sha256(_out), TcpLink.Sha256(_gotOut));
        Assert.Equal(TcpLink.Sha256(_in), TcpLink.Sha256(_gotIn));

        if (!hasEnded || !_peerHasEnded)
        {
            // Only before the end: a copy that was delayed on its way is answered with a reset once its connection is closed, and rightly.
            Assert.Equal((0, 0), (TcpLink.ResetsSent(_lab.ClientHost), TcpLink.ResetsSent(_lab.ServerHost)));
        }

        End(_own, hasEnded);
        End(_peer, _peerHasEnded);
        TruthLab.Until(() => IsAtEnd(_own) && IsAtEnd(_peer), $"both FINs of {_transfer}");
    }

    public void Dispose()
    {
        _lab.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    // What the end sends is not acknowledged, as the acknowledgments stay on the router.
    private void LeaveUnderWay(int outPart, int inPart)
    {
        ToOwn.Hold();
        Write(_own, _out, ref _written, _transfer.PeerStops ? _out.Length : outPart + ((_out.Length - outPart) / 2));
        Write(_peer, _in, ref _peerWritten, inPart + ((_in.Length - inPart) / 2));
        if (_transfer.HasGap)
        {
            MakeGap();
        }
        else if (_transfer.PeerStops)
        {
            ToOwn.Release();
            TruthLab.Until(() => FillWindow(), $"a closed window, {_transfer}");
        }
    }

    private bool FillWindow()
    {
        Write(_own, _out, ref _written, _out.Length);
        return _written == _out.Length || KernelSocketState.Glance(_own).IsStoppedByWindow;
    }

    private void Reach(TcpState state)
    {
        if (state.HasPeerFin() && state != TcpState.Closing)
        {
            PumpPeer();
            _peer.Shutdown(SocketShutdown.Send);
            _peerHasEnded = true;
            TruthLab.Until(() => StateIs(TcpState.CloseWait), $"the peer's FIN, {_transfer}");
        }

        if (!state.HasOwnFin())
        {
            return;
        }

        // A FIN that is not acknowledged has text before it that is not, either.
        int acknowledged = state is TcpState.FinWait1 or TcpState.LastAck ? Math.Max(_written, _out.Length - 5_000) : _out.Length;
        TruthLab.Until(() => WriteAndAcknowledge(acknowledged), $"all written and acknowledged, {_transfer}");
        if (state == TcpState.Closing)
        {
            PumpPeer();
            ToPeer.Hold();
            _own.Shutdown(SocketShutdown.Send);
            _peer.Shutdown(SocketShutdown.Send);
            _peerHasEnded = true;
        }
        else
        {
            if (state != TcpState.FinWait2)
            {
                ToOwn.Hold();
                Write(_own, _out, ref _written, _out.Length);
            }

            _own.Shutdown(SocketShutdown.Send);
        }

        TruthLab.Until(() => StateIs(state), $"{state.ToRfcName()}, {_transfer}");
    }

    private bool StateIs(TcpState state) => KernelSocketState.Glance(_own).State == state;

    // All but what a slow reader leaves; the rest has arrived.
    private void PumpPeer()
    {
        int limit = _transfer.ReadsSlowly ? Math.Max(_read, _in.Length - 20_000) : _in.Length;
        TruthLab.Until(() =>
        {
            Write(_peer, _in, ref _peerWritten, _in.Length);
            Read(_own, _gotIn, ref _read, limit);
            return _peerWritten == _in.Length && _read == limit && KernelSocketState.Glance(_peer).Queued == 0;
        }, $"all of the peer's stream at the end that is rebuilt, {_transfer}");
    }

    private bool WriteAndAcknowledge(int limit)
    {
        Write(_own, _out, ref _written, limit);
        Read(_peer, _gotOut, ref _peerRead, _out.Length);
        return _written >= limit && KernelSocketState.Glance(_own).Queued == 0;
    }

    // The first that the peer sends is lost, and what it sends again stays on the router.
    private void MakeGap()
    {
        TruthLab.Until(() => ToOwn.Held.Count(HasText) >= 3, $"segments of the peer on the router, {_transfer}");
        SequenceNumber? first = null;
        ToOwn.Release(packet =>
        {
            if (HasText(packet) && (first is null || NumberOf(packet) == first))
            {
                first = NumberOf(packet);
                return HeldVerdict.Drop;
            }

            return HeldVerdict.Accept;
        });
        ToOwn.Hold();
    }

    private SessionImage? TryDump()
    {
        _lab.Stop();
        int unsent = KernelSocketState.Glance(_own).Unsent;
        var paused = PausedSocket.Attach(SocketFinder.Find(Environment.ProcessId, Ends.Local, Ends.Peer));
        try
        {
            paused.Pause();
            SessionImage before = Copy(paused.Dump());
            _lab.ReadRecordings();
            SessionImage image = Copy(paused.Dump());
            int isUnsent = image.Snapshot.UnsentBytes + (image.Snapshot.FinQueued && image.Snapshot.SndNxt != image.Snapshot.WriteSeq ? 1 : 0);
            bool isStill = before.Snapshot with { TimestampValue = 0 } == image.Snapshot with { TimestampValue = 0 } && before.Counters.SegmentsOut == image.Counters.SegmentsOut;
            if (isUnsent == unsent)
            {
                if (isStill)
                {
                    paused.CloseSilently();
                    return image;
                }

                // A timer sent something: again, with everything held as it is.
                return null;
            }
        }
        finally
        {
            paused.Dispose();
        }

        // Reading made the socket count data as sent that never left: once it was sent again it is as if nothing had been.
        _lab.Release();
        TruthLab.Until(() => KernelSocketState.Glance(_own) is var own && (own.Queued == own.Unsent || WriteAndAcknowledge(_written)), $"what was under way, {_transfer}");
        return null;
    }

    private static SessionImage Copy(SessionImage image) => image with { SendQueue = image.SendQueue.ToArray(), ReceiveQueue = image.ReceiveQueue.ToArray() };

    private SessionImage BuildFromCapture(CaptureTimestamp at)
    {
        string path = Path.Combine(_directory, _transfer.IsClient ? "client.pcapng" : "server.pcapng");
        using CaptureFileReader reader = CaptureFile.OpenRead(path);
        return SessionFromCapture.Read(
            reader,
            new SessionFromCaptureOptions { Request = new RebuildRequest { ConnectionId = 0, IsClient = _transfer.IsClient, ReadOffset = _read }, At = at.Nanoseconds },
            out StreamOrigin origin) is var image && origin == (_transfer.IsClient ? StreamOrigin.Connected : StreamOrigin.Accepted) ? image : throw new InvalidOperationException("The other end.");
    }

    private static void Write(Socket socket, byte[] data, ref int written, int limit)
    {
        while (written < limit)
        {
            int count = socket.Send(data.AsSpan(written, Math.Min(limit - written, 16_384)), SocketFlags.None, out SocketError error);
            if (error != SocketError.Success)
            {
                Assert.Equal(SocketError.WouldBlock, error);
                return;
            }

            written += count;
        }
    }

    private static void Read(Socket socket, byte[] data, ref int read, int limit)
    {
        while (read < limit)
        {
            int count = socket.Receive(data.AsSpan(read, Math.Min(limit - read, 65_536)), SocketFlags.None, out SocketError error);
            if (error != SocketError.Success)
            {
                Assert.Equal(SocketError.WouldBlock, error);
                return;
            }

            Assert.NotEqual(0, count);
            read += count;
        }
    }

    private static void End(Socket socket, bool hasEnded)
    {
        if (!hasEnded)
        {
            socket.Shutdown(SocketShutdown.Send);
        }
    }

    private static bool IsAtEnd(Socket socket)
    {
        int count = socket.Receive(new byte[1], SocketFlags.None, out SocketError error);
        return error == SocketError.Success ? count == 0 : error == SocketError.WouldBlock ? false : throw new SocketException((int)error);
    }

    private static bool HasText(HeldPacket packet) => PacketView.Parse(packet.Data, LinkType.Raw, packet.OriginalLength) is var view && view.TryGetTcp(out _) && view.PayloadLength > 0;

    private static SequenceNumber? NumberOf(HeldPacket packet) =>
        PacketView.Parse(packet.Data, LinkType.Raw, packet.OriginalLength).TryGetTcp(out TcpView tcp) ? tcp.Sequence : null;
}
