using System.Net.Sockets;
using System.Runtime.InteropServices;
using Interceptor.Interop;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>
/// A restored connection. Until <see cref="Resume"/> it is in repair: disposing it then closes it without a packet, and the image can be restored again.
/// After it, it is an ordinary connected socket, and closing the last descriptor sends a FIN.
/// <para>Threads: one at a time.</para>
/// </summary>
public sealed class RestoredSocket : IDisposable
{
    private const int MaxTailTries = 64;

    /// <summary>For the peer to make room in a send buffer that could not be made large enough (a user namespace).</summary>
    private const int TailPatienceMilliseconds = 2000;
    private readonly FileDescriptor _fd;
    private readonly SessionImage _image;
    private readonly List<string> _warnings;
    private readonly PeerSegment? _peer;
    private readonly string _subject;

    internal RestoredSocket(FileDescriptor fd, SessionImage image, List<string> warnings, PeerSegment? peer, string subject)
    {
        _fd = fd;
        _image = image;
        _warnings = warnings;
        _peer = peer;
        _subject = subject;
    }

    /// <summary>The descriptor, owned by this object (close-on-exec); to pass on with SCM_RIGHTS or to a child.</summary>
    public SafeHandle Handle => _fd;

    /// <summary>True after <see cref="Resume"/>.</summary>
    public bool IsResumed { get; private set; }

    /// <summary>What could not be restored; for people.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    internal FileDescriptor Descriptor => _fd;

    private bool IsFinSent => _image.Snapshot.FinQueued && _image.Snapshot.SndNxt == _image.Snapshot.WriteSeq;

    /// <summary>It is bound; from <see cref="Resume"/> on it listens.</summary>
    private bool IsListening => _image.Snapshot.State == TcpState.Listen;

    /// <summary>Our FIN was on its way when the peer's came.</summary>
    private bool IsSimultaneous => _image.Snapshot.State == TcpState.Closing;

    /// <summary>
    /// Leaves repair, writes the unsent tail, and sets the application's options. From the first moment of this the connection lives.
    /// </summary>
    /// <param name="probe">
    /// True sends a window probe, to which the peer answers with its newest acknowledgement and window: what was lost while the connection was frozen
    /// is known after one round trip instead of a timeout. False sends nothing; right only where every packet of that time is delivered.
    /// </param>
    /// <exception cref="CheckpointException">Leaving repair failed (the restore can be tried again), or the tail did not fit (the connection is broken).</exception>
    public void Resume(bool probe = true)
    {
        ObjectDisposedException.ThrowIf(_fd.IsClosed, this);
        if (IsResumed)
        {
            throw new InvalidOperationException("The connection goes on already.");
        }

        try
        {
            if (IsListening)
            {
                NativeSocket.Listen(_fd, _image.Settings.Backlog, _subject);
            }
            else
            {
                int how = probe ? Libc.TCP_REPAIR_OFF : Libc.TCP_REPAIR_OFF_NO_WP;
                NativeSocket.SetInt(_fd, Libc.IPPROTO_TCP, Libc.TCP_REPAIR, how, "setsockopt(TCP_REPAIR)", _subject);
            }
        }
        catch (LinuxException exception)
        {
            throw new CheckpointException(
                "resume", exception.Message, "The image is unchanged: the restore can be tried again.", cause: exception);
        }

        IsResumed = true;
        WriteUnsentTail();
        EndStream();
        ApplyLateOptions();
    }

    /// <summary>
    /// In repair: what had happened at the cut happens again without a packet on the wire. Our FIN, if it had been sent, goes straight among what is not acknowledged; the
    /// peer's FIN, or its acknowledgement of ours, is delivered once more.
    /// </summary>
    internal void EnterState()
    {
        TcpSnapshot snapshot = _image.Snapshot;
        if (snapshot.FinReceived && !IsSimultaneous)
        {
            DeliverFin(TcpState.CloseWait);
        }

        if (!IsFinSent)
        {
            return;
        }

        Set(Libc.TCP_REPAIR_QUEUE, Libc.TCP_SEND_QUEUE, "setsockopt(TCP_REPAIR_QUEUE)");
        NativeSocket.ShutdownSend(_fd);
        Set(Libc.TCP_REPAIR_QUEUE, Libc.TCP_NO_QUEUE, "setsockopt(TCP_REPAIR_QUEUE)");
        if (IsSimultaneous)
        {
            DeliverFin(TcpState.Closing);
        }
        else if (snapshot.State == TcpState.FinWait2)
        {
            _peer!.Deliver(_fd, isFin: false, TcpState.FinWait2);
        }
    }

    /// <summary>
    /// Takes the connection back into the image: closes it without a packet, whatever state it is in and whoever else has a descriptor of it. Right only
    /// while the peer's packets have been kept from it since the cut, so that the image is still whole: what it sent meanwhile, a restore sends again.
    /// </summary>
    /// <exception cref="LinuxException">The kernel refused; the connection is as it was.</exception>
    public void CloseSilently()
    {
        if (_fd.IsClosed)
        {
            return;
        }

        if (!IsListening)
        {
            NativeSocket.SetInt(_fd, Libc.IPPROTO_TCP, Libc.TCP_REPAIR, Libc.TCP_REPAIR_ON, "setsockopt(TCP_REPAIR)", _subject);
        }

        NativeSocket.Disconnect(_fd, _subject);
        Dispose();
    }

    /// <summary>
    /// The connection as a socket of the base class library, which then owns it: blocking, whatever its original was, as that class keeps its own account of it. Only after
    /// <see cref="Resume"/>; this object is done then, and disposing it does nothing.
    /// </summary>
    /// <exception cref="InvalidOperationException">The connection does not go on yet: what is in repair must not be asked or changed.</exception>
    public Socket TakeSocket()
    {
        ObjectDisposedException.ThrowIf(_fd.IsClosed, this);
        if (!IsResumed)
        {
            throw new InvalidOperationException("The connection does not go on yet: resume it first.");
        }

        _peer?.Dispose();
        return ToSocket(_fd);
    }

    /// <summary>
    /// The connection as something that can be paused, dumped and closed again, by a descriptor of its own: for taking it back into an image. Disposing that leaves this object and
    /// the connection as they are.
    /// </summary>
    /// <exception cref="CheckpointException">Its state can't be taken whole, as after it was reset.</exception>
    public PausedSocket Attach()
    {
        ObjectDisposedException.ThrowIf(_fd.IsClosed, this);
        TcpSnapshot snapshot = _image.Snapshot;
        return PausedSocket.Attach(NativeSocket.Duplicate(_fd, _subject), new SocketOwner(Environment.ProcessId, _fd.Number, 0, snapshot.Local, snapshot.Peer));
    }

    /// <summary>Takes the descriptor over.</summary>
    internal static Socket ToSocket(FileDescriptor fd)
    {
        const string Subject = "the restored connection";
        NativeSocket.SetFileFlags(fd, NativeSocket.GetFileFlags(fd, Subject) & ~Libc.O_NONBLOCK, Subject);
        return new Socket(new SafeSocketHandle(fd.Detach(), ownsHandle: true));
    }

    /// <summary>Adds to <see cref="Warnings"/> what whoever went on with the restore could not bring back.</summary>
    public void AddWarning(string warning) => _warnings.Add(warning);

    /// <summary>Closes this process's descriptor.</summary>
    public void Dispose()
    {
        _fd.Dispose();
        _peer?.Dispose();
    }

    /// <summary>
    /// The send buffer still has its large size, so this takes no waiting, except where the machine did not grant that size; what the windows do not allow yet
    /// stays queued.
    /// </summary>
    private void WriteUnsentTail()
    {
        ReadOnlySpan<byte> rest = _image.UnsentPart.Span;
        for (int i = 0; rest.Length > 0; i++)
        {
            int count = NativeSocket.TrySend(_fd, rest, Libc.MSG_DONTWAIT);
            if (count == -Errno.EAGAIN && i < MaxTailTries && NativeSocket.Poll(_fd, Libc.POLLOUT, TailPatienceMilliseconds) != 0)
            {
                continue;
            }

            if (count <= 0 || i == MaxTailTries)
            {
                throw new CheckpointException(
                    "resume", $"{rest.Length} unsent bytes of {_subject} did not fit into its send buffer: "
                    + $"{Marshal.GetPInvokeErrorMessage(Math.Max(-count, 0))}.",
                    "The connection is restored and its stream has lost those bytes: close it.");
            }

            rest = rest[count..];
        }
    }

    /// <summary>A FIN that waited behind unsent data at the cut waits there again.</summary>
    private void EndStream()
    {
        if (!_image.Snapshot.FinQueued || IsFinSent)
        {
            return;
        }

        NativeSocket.ShutdownSend(_fd);
        if (IsSimultaneous)
        {
            DeliverFin(TcpState.Closing);
        }
    }

    private void DeliverFin(TcpState state) => _peer!.Deliver(_fd, isFin: true, state);

    private void Set(int name, int value, string operation) => NativeSocket.SetInt(_fd, Libc.IPPROTO_TCP, name, value, operation, _subject);

    private void ApplyLateOptions()
    {
        SocketSettings settings = _image.Settings;
        byte[] sendBuffer = BitConverter.GetBytes(settings.SendBuffer / 2);
        if (NativeSocket.TrySet(_fd, Libc.SOL_SOCKET, Libc.SO_SNDBUFFORCE, sendBuffer) != 0)
        {
            // Not the machine's root: up to net.core.wmem_max.
            _ = NativeSocket.TrySet(_fd, Libc.SOL_SOCKET, Libc.SO_SNDBUF, sendBuffer);
        }

        // Sizes that were set by hand stay fixed; the others are the kernel's to tune again.
        int errno = NativeSocket.TrySet(_fd, Libc.SOL_SOCKET, Libc.SO_BUF_LOCK, BitConverter.GetBytes(settings.BufferLock));
        if (errno != 0)
        {
            _warnings.Add($"SO_BUF_LOCK could not be set: {Marshal.GetPInvokeErrorMessage(errno)}; the buffers keep their present sizes.");
        }

        // Before the options, one of which locks it.
        SocketSettingsIo.ApplyFilter(_fd, settings, _warnings);
        SocketSettingsIo.Apply(_fd, settings, OptionPhase.AfterResume, _warnings);
        if (settings.PeekOffset >= 0)
        {
            _ = NativeSocket.TrySet(_fd, Libc.SOL_SOCKET, Libc.SO_PEEK_OFF, BitConverter.GetBytes(settings.PeekOffset));
        }

        SocketSettingsIo.ApplyFileState(_fd, settings, _warnings, _subject);
    }
}
