using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Interceptor.Checkpoint;
using Interceptor.LinuxTests.Tcp;
using Interceptor.Tcp;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>Connections of which one end, or both, have ended their streams: taken out of one socket and restored into another.</summary>
public sealed class HalfClosedTests
{
    private const int Unread = 30_000;

    public static TheoryData<TcpState, bool, LinkFamily> Cases()
    {
        var cases = new TheoryData<TcpState, bool, LinkFamily>();
        foreach (TcpState state in (TcpState[])[TcpState.CloseWait, TcpState.FinWait1, TcpState.FinWait2, TcpState.Closing, TcpState.LastAck])
        {
            foreach (bool hasData in (bool[])[false, true])
            {
                foreach (LinkFamily family in Enum.GetValues<LinkFamily>())
                {
                    cases.Add(state, hasData, family);
                }
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_state_both_streams_and_the_close_are_as_they_would_have_been(TcpState state, bool hasUnreadData, LinkFamily family)
    {
        using var link = new TcpLink(family: family);
        byte[] toServer = hasUnreadData ? TcpLink.Fill(link.Client, 1, Unread) : [];
        byte[] toClient = hasUnreadData ? TcpLink.Fill(link.Server, 2, Unread) : [];
        TcpLink.WaitUntil(() => link.Server.Available == toServer.Length && link.Client.Available == toClient.Length, "what was sent to arrive");
        Reach(link, state);

        (SessionImage image, Socket restored) = link.Move();
        using (restored)
        {
            Assert.Equal(state, image.Snapshot.State);
            Assert.Equal(toServer.Length, image.ReceiveQueue.Length);
            Assert.Equal(state, StateOf(restored));
            Heal(link);
            FinishBoth(link, restored, state, toServer, toClient);
        }

        Assert.Equal(0, TcpLink.ResetsSent(link.Namespace));
    }

    [Theory]
    [InlineData(TcpState.FinWait1)]
    [InlineData(TcpState.LastAck)]
    [InlineData(TcpState.Closing)]
    public void A_fin_behind_unsent_data_stays_behind_it(TcpState state)
    {
        using var link = new TcpLink(configureClient: static client => client.ReceiveBufferSize = 8192);
        byte[] toClient = TcpLink.Fill(link.Server, 3);
        if (state == TcpState.LastAck)
        {
            EndClient(link);
        }

        link.Server.Shutdown(SocketShutdown.Send);
        if (state == TcpState.Closing)
        {
            link.Client.Shutdown(SocketShutdown.Send);
        }

        TcpLink.WaitUntil(() => StateOf(link.Server) == state, state.ToRfcName());
        (SessionImage image, Socket restored) = link.Move();
        using (restored)
        {
            Assert.True(image.Snapshot.UnsentBytes > 0, image.Snapshot.ToString());
            Assert.Equal(state, StateOf(restored));
            Assert.Equal(TcpLink.Sha256(toClient), TcpLink.ReadSha256(link.Client, toClient.Length));
            Assert.Equal(0, link.Client.Receive(new byte[1]));
            if (state == TcpState.FinWait1)
            {
                link.Client.Shutdown(SocketShutdown.Send);
            }

            Assert.Equal(0, restored.Receive(new byte[1]));
        }

        Assert.Equal(0, TcpLink.ResetsSent(link.Namespace));
    }

    // Where a FIN must not be acknowledged, what the server sends gets lost on its last step.
    private static void Reach(TcpLink link, TcpState state)
    {
        if (state is TcpState.FinWait1 or TcpState.Closing or TcpState.LastAck)
        {
            if (state == TcpState.LastAck)
            {
                EndClient(link);
            }

            Lose(link, "-A");
            link.Server.Shutdown(SocketShutdown.Send);
            if (state == TcpState.Closing)
            {
                TcpLink.WaitUntil(() => StateOf(link.Server) == TcpState.FinWait1, "the server's FIN");
                link.Client.Shutdown(SocketShutdown.Send);
            }
        }
        else if (state == TcpState.FinWait2)
        {
            link.Server.Shutdown(SocketShutdown.Send);
        }
        else
        {
            EndClient(link);
        }

        TcpLink.WaitUntil(() => StateOf(link.Server) == state, state.ToRfcName());
    }

    private static void EndClient(TcpLink link)
    {
        link.Client.Shutdown(SocketShutdown.Send);
        TcpLink.WaitUntil(() => StateOf(link.Server) == TcpState.CloseWait, "the client's FIN");
    }

    private static void FinishBoth(TcpLink link, Socket restored, TcpState state, byte[] toServer, byte[] toClient)
    {
        byte[] late = TcpLink.Pattern(9, 5000);
        if (!state.HasPeerFin())
        {
            link.Client.Send(late);
            link.Client.Shutdown(SocketShutdown.Send);
        }

        if (!state.HasOwnFin())
        {
            restored.Send(late);
            restored.Shutdown(SocketShutdown.Send);
        }

        byte[] wholeToServer = state.HasPeerFin() ? toServer : [.. toServer, .. late];
        byte[] wholeToClient = state.HasOwnFin() ? toClient : [.. toClient, .. late];
        Assert.Equal(TcpLink.Sha256(wholeToServer), TcpLink.ReadSha256(restored, wholeToServer.Length));
        Assert.Equal(TcpLink.Sha256(wholeToClient), TcpLink.ReadSha256(link.Client, wholeToClient.Length));
        restored.ReceiveTimeout = link.Client.ReceiveTimeout = (int)TcpLink.Deadline.TotalMilliseconds;
        Assert.Equal(0, restored.Receive(new byte[1]));
        Assert.Equal(0, link.Client.Receive(new byte[1]));
    }

    private static void Lose(TcpLink link, string change) => link.Namespace.Run(() =>
    {
        string port = ((IPEndPoint)link.Client.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);
        TcpLink.Run(IsIpv4(link) ? "iptables" : "ip6tables", $"-w 5 {change} INPUT -p tcp --dport {port} -j DROP");
    });

    private static void Heal(TcpLink link)
    {
        string rules = link.Namespace.Run(() => ChildProcess.Run(null, TcpLink.Deadline, IsIpv4(link) ? "iptables" : "ip6tables", "-S", "INPUT").Output);
        if (rules.Contains("--dport", StringComparison.Ordinal))
        {
            Lose(link, "-D");
        }
    }

    private static bool IsIpv4(TcpLink link) => link.ClientEndpoint.Address.IsIpv4;

    private static TcpState StateOf(Socket socket) => KernelSocketState.Glance(socket).State;
}
