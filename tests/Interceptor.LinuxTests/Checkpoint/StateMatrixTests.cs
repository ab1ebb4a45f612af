using System.Globalization;
using System.Net.Sockets;
using Interceptor.Checkpoint;
using Interceptor.LinuxTests.Tcp;
using Interceptor.Tcp;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>What is in a connection's queues when it is taken.</summary>
public enum MatrixQueue
{
    /// <summary>Nothing.</summary>
    Empty,

    /// <summary>Something is acknowledged, something on its way.</summary>
    PartlyAcknowledged,

    /// <summary>Something is on its way, and behind it something that was never sent.</summary>
    PartlySent,

    /// <summary>Something is received and not read.</summary>
    Unread,

    /// <summary>Something is received behind a gap.</summary>
    OutOfOrder,
}

/// <summary>
/// Every state that a process can have a connection in, with every content of its queues that the state allows, taken out of one socket and restored into another.
/// INTERCEPTOR_MATRIX_RUNS repeats each case that many times.
/// </summary>
public sealed class StateMatrixTests(MatrixLabs labs) : IClassFixture<MatrixLabs>
{
    private const int AcknowledgedBytes = 20_000;
    private const int UnderwayBytes = 5_000;
    private const int UnreadBytes = 30_000;
    private const int LateBytes = 5_000;

    /// <summary>Several times what the first congestion window lets go.</summary>
    private const int PartlySentBytes = 60_000;

    internal static readonly int Runs = int.Parse(Environment.GetEnvironmentVariable("INTERCEPTOR_MATRIX_RUNS") ?? "1", CultureInfo.InvariantCulture);

    public static TheoryData<TcpState, MatrixQueue, LinkFamily, MatrixLock> Cases()
    {
        var cases = new TheoryData<TcpState, MatrixQueue, LinkFamily, MatrixLock>();
        foreach (TcpState state in (TcpState[])
            [TcpState.Established, TcpState.CloseWait, TcpState.FinWait1, TcpState.FinWait2, TcpState.Closing, TcpState.LastAck])
        {
            foreach (MatrixQueue queue in Enum.GetValues<MatrixQueue>().Where(queue => IsPossible(state, queue)))
            {
                foreach (LinkFamily family in Enum.GetValues<LinkFamily>())
                {
                    foreach (MatrixLock kind in Enum.GetValues<MatrixLock>())
                    {
                        cases.Add(state, queue, family, kind);
                    }
                }
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Both_streams_and_the_close_are_as_they_would_have_been(TcpState state, MatrixQueue queue, LinkFamily family, MatrixLock kind)
    {
        for (int i = 0; i < Runs; i++)
        {
            MoveOnce(labs[kind], state, queue, family);
        }
    }

    private static void MoveOnce(MatrixLab lab, TcpState state, MatrixQueue queue, LinkFamily family)
    {
        using TcpLink link = lab.Connect(family, isPatient: queue != MatrixQueue.OutOfOrder);
        int resets = link.ResetsSent();
        Streams streams = Prepare(link, state, queue);
        uint sentAgain = KernelSocketState.Retransmissions(link.Client);
        byte[] late = TcpLink.Pattern(9, LateBytes);
        void Speak()
        {
            // Under a drop lock who waits to send again does so until it gets through.
            MatrixLab.Lose(link.Client, isLost: false);
            if (!state.HasPeerFin())
            {
                link.Client.Send(late);
            }
        }

        using Socket restored = lab.Move(link, Speak, (image, socket) =>
        {
            Assert.Equal(state, image.Snapshot.State);
            RequireShape(image, queue, state);

            // The peer's own FIN may have come before ours was queued again behind what was unsent.
            TcpState reached = StateOf(socket);
            bool isCrossed = state == TcpState.Closing && queue == MatrixQueue.PartlySent && reached == TcpState.LastAck;
            Assert.Equal(isCrossed ? reached : state, reached);
            MatrixLab.Lose(socket, isLost: false);
        });
        if (!state.HasOwnFin())
        {
            restored.Send(late);
            Assert.Equal(TcpLink.Sha256([.. streams.ToClient, .. late]), TcpLink.ReadSha256(link.Client, streams.ToClient.Length + LateBytes));

            // Not what a FIN of ours would have made of it.
            Assert.Equal(state == TcpState.Established ? TcpState.Established : TcpState.FinWait2, StateOf(link.Client));
            Assert.Equal(resets, link.ResetsSent());
            restored.Shutdown(SocketShutdown.Send);
        }
        else
        {
            Assert.Equal(TcpLink.Sha256(streams.ToClient), TcpLink.ReadSha256(link.Client, streams.ToClient.Length));
        }

        byte[] toServer = state.HasPeerFin() ? streams.ToServer : [.. streams.ToServer, .. late];
        Assert.Equal(TcpLink.Sha256(toServer), TcpLink.ReadSha256(restored, toServer.Length));
        Finish(link, restored, state);
        uint again = KernelSocketState.Retransmissions(link.Client) - sentAgain;
        if (lab.Kind == MatrixLock.Hold && queue != MatrixQueue.OutOfOrder)
        {
            Assert.Equal(0u, again);
        }
        else if (lab.Kind == MatrixLock.Drop && !state.HasPeerFin())
        {
            Assert.NotEqual(0u, again);
        }

        // Behind LAST-ACK there is no TIME-WAIT: a FIN that was sent twice is acknowledged twice, and the second acknowledgement finds no socket. The end of its stream, which
        // the peer has read, says that no reset came before it.
        if (state is not (TcpState.CloseWait or TcpState.LastAck))
        {
            Assert.Equal(resets, link.ResetsSent());
        }
    }

    /// <summary>Our FIN once acknowledged, there is nothing left to send; the peer's FIN once received in order, nothing is missing before it.</summary>
    private static bool IsPossible(TcpState state, MatrixQueue queue) => queue switch
    {
        MatrixQueue.PartlyAcknowledged or MatrixQueue.PartlySent => state != TcpState.FinWait2,
        MatrixQueue.OutOfOrder => !state.HasPeerFin(),
        _ => true,
    };

    private static Streams Prepare(TcpLink link, TcpState state, MatrixQueue queue)
    {
        byte[] toServer = queue == MatrixQueue.Unread ? TcpLink.Fill(link.Client, 1, UnreadBytes) : [];
        TcpLink.WaitUntil(() => link.Server.Available == toServer.Length, "what the client sent to arrive");
        if (state is TcpState.CloseWait or TcpState.LastAck)
        {
            link.Client.Shutdown(SocketShutdown.Send);
            Await(link.Server, TcpState.CloseWait);
        }

        byte[] toClient = Write(link, queue);
        if (queue == MatrixQueue.OutOfOrder && state != TcpState.FinWait2)
        {
            toServer = LeaveGap(link);
        }

        if (state.HasOwnFin())
        {
            MatrixLab.Lose(link.Server, state != TcpState.FinWait2);
            link.Server.Shutdown(SocketShutdown.Send);
        }

        if (state == TcpState.Closing)
        {
            Await(link.Server, TcpState.FinWait1);
            link.Client.Shutdown(SocketShutdown.Send);
        }

        Await(link.Server, state);
        if (queue == MatrixQueue.OutOfOrder && state == TcpState.FinWait2)
        {
            toServer = LeaveGap(link);
        }

        return new Streams(toServer, toClient);
    }

    private static byte[] Write(TcpLink link, MatrixQueue queue)
    {
        if (queue is not (MatrixQueue.PartlyAcknowledged or MatrixQueue.PartlySent))
        {
            return [];
        }

        byte[] acknowledged = [];
        if (queue == MatrixQueue.PartlyAcknowledged)
        {
            acknowledged = TcpLink.Fill(link.Server, 2, AcknowledgedBytes);
            TcpLink.WaitUntil(() => KernelSocketState.Glance(link.Server).Queued == 0, "the acknowledgement of the first part");
        }

        MatrixLab.Lose(link.Server);
        return [.. acknowledged, .. TcpLink.Fill(link.Server, 3, queue == MatrixQueue.PartlySent ? PartlySentBytes : UnderwayBytes)];
    }

    /// <summary>A segment that gets lost however often it is sent, and one behind it that arrives.</summary>
    private static byte[] LeaveGap(TcpLink link)
    {
        link.Client.NoDelay = true;
        MatrixLab.LoseShort(link.Client);
        byte[] lost = TcpLink.Fill(link.Client, 4, MatrixLab.ShortBytes);
        byte[] arriving = TcpLink.Fill(link.Client, 5, 2 * MatrixLab.ShortBytes);
        TcpLink.WaitUntil(() => KernelSocketState.OutOfOrderSegments(link.Server) > 0, "the segment behind the gap");
        return [.. lost, .. arriving];
    }

    private static void RequireShape(SessionImage image, MatrixQueue queue, TcpState state)
    {
        TcpSnapshot snapshot = image.Snapshot;
        Assert.Equal(queue == MatrixQueue.Unread ? UnreadBytes : 0, snapshot.UnreadBytes);
        switch (queue)
        {
            case MatrixQueue.PartlyAcknowledged:
                Assert.Equal((UnderwayBytes, 0), (snapshot.InFlightBytes, snapshot.UnsentBytes));
                Assert.Equal(AcknowledgedBytes, (int)image.Counters.BytesAcked);
                break;
            case MatrixQueue.PartlySent:
                Assert.True(snapshot is { InFlightBytes: > 0, UnsentBytes: > 0 }, snapshot.ToString());
                Assert.Equal(PartlySentBytes, snapshot.QueuedBytes);
                break;
            case MatrixQueue.OutOfOrder:
                Assert.Equal(1u, image.Counters.OutOfOrderSegments);
                break;
            default:
                Assert.Equal(0, snapshot.QueuedBytes);
                Assert.Equal(state is TcpState.FinWait1 or TcpState.Closing or TcpState.LastAck ? 1 : 0, snapshot.WriteSeq - snapshot.SndUna);
                break;
        }
    }

    private static void Finish(TcpLink link, Socket restored, TcpState state)
    {
        if (!state.HasPeerFin())
        {
            link.Client.Shutdown(SocketShutdown.Send);
        }

        restored.ReceiveTimeout = link.Client.ReceiveTimeout = (int)TcpLink.Deadline.TotalMilliseconds;
        Assert.Equal(0, restored.Receive(new byte[1]));
        Assert.Equal(0, link.Client.Receive(new byte[1]));
    }

    private static void Await(Socket socket, TcpState state) => TcpLink.WaitUntil(() => StateOf(socket) == state, state.ToRfcName());

    private static TcpState StateOf(Socket socket) => KernelSocketState.Glance(socket).State;

    private sealed record Streams(byte[] ToServer, byte[] ToClient);
}
