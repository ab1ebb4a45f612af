using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Interceptor.Capture.Injection;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.LinuxTests.Live;
using Interceptor.LinuxTests.Tcp;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>
/// What keeps a connection from being checkpointed, or is lost by it, made on real sockets as far as a kernel without kTLS and TCP-AO lets one. MD5 signatures, MPTCP and urgent
/// data have their tests in <see cref="PausedSocketTests"/> and <see cref="SessionsCommandTests"/>.
/// </summary>
public sealed class ObstacleTests
{
    [Fact]
    public void Ip_options_are_refused()
    {
        using var link = new TcpLink();
        link.Server.SetRawSocketOption(Libc.IPPROTO_IP, Libc.IP_OPTIONS, [1, 1, 1, 1]);
        var exception = Assert.Throws<CheckpointException>(() => link.Attach());
        Assert.Equal(CheckpointFailure.Refused, exception.Failure);
        Assert.Contains("IP options", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_connect_that_waits_for_the_first_bytes_is_refused_and_so_are_bytes_that_went_with_the_syn()
    {
        using var link = new TcpLink();
        link.Namespace.Run(() =>
        {
            File.WriteAllText("/proc/sys/net/ipv4/tcp_fastopen", "1");
            TcpLink.Run("iptables", "-w 5 -A INPUT -p tcp --tcp-flags SYN,ACK SYN,ACK -j DROP");
        });
        using Socket caller = link.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        caller.SetRawSocketOption(Libc.IPPROTO_TCP, Libc.TCP_FASTOPEN_CONNECT, BitConverter.GetBytes(1));
        caller.SetRawSocketOption(Libc.IPPROTO_TCP, Libc.TCP_FASTOPEN_NO_COOKIE, BitConverter.GetBytes(1));
        caller.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        caller.Connect(link.Listener.LocalEndPoint!);
        FlowEndpoint local = StreamServer.EndpointOf(caller.LocalEndPoint!);
        FlowEndpoint peer = StreamServer.EndpointOf(link.Listener.LocalEndPoint!);
        var waiting = Assert.Throws<CheckpointException>(() => PausedSocket.Attach(SocketFinder.Find(Environment.ProcessId, local, peer)));
        Assert.Contains("TCP_FASTOPEN_CONNECT", waiting.Message, StringComparison.Ordinal);

        caller.Blocking = false;
        caller.Send("with the SYN"u8, SocketFlags.None, out _);
        Assert.Equal(TcpState.SynSent, KernelSocketState.StateOf(caller));
        using PausedSocket paused = PausedSocket.Attach(SocketFinder.Find(Environment.ProcessId, local, peer));
        paused.Pause();
        var sent = Assert.Throws<CheckpointException>(() => paused.Dump());
        Assert.Contains("data with its SYN", sent.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_that_waits_to_be_read_is_told_as_lost()
    {
        using var link = new TcpLink();
        link.Server.SetRawSocketOption(Libc.IPPROTO_IP, Libc.IP_RECVERR, BitConverter.GetBytes(1));
        Unreachable(link);
        Assert.Equal(["pending-error"], Losses(link));
        using PausedSocket paused = link.Attach();
        paused.Pause();
        Assert.Contains("error waits", Assert.Single(paused.Dump().Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Completions_of_sending_without_copies_are_told_as_lost()
    {
        using var link = new TcpLink();
        link.Server.SetRawSocketOption(Libc.SOL_SOCKET, Libc.SO_ZEROCOPY, BitConverter.GetBytes(1));
        Assert.Empty(Losses(link));
        TcpLink.Fill(link.Server, seed: 1);
        Assert.Equal(["zero-copy"], Losses(link));
    }

    [Fact]
    public void A_program_that_cannot_be_read_is_told_as_lost_and_a_classic_filter_is_not()
    {
        using var link = new TcpLink();
        using FileDescriptor server = RestoreTests.Duplicate(link.Server);
        Assert.Equal(0, SocketFilter.Attach(server, [0x06, 0xffff]));
        Assert.Empty(Losses(link));
        AttachBpf(link.Server);
        Assert.Equal(["bpf"], Losses(link));
    }

    [Fact]
    public void A_socket_of_two_processes_is_refused_with_both_named()
    {
        using NetworkNamespace ns = TcpLink.CreateNamespace();
        using var owner = new PythonPeer(ns);
        ushort port = owner.Listen();
        using Socket client = ns.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(new IPEndPoint(IPAddress.Loopback, port));
        string other = owner.Tell("c, _ = s.accept(); import subprocess; p = subprocess.Popen(['sleep', '60'], pass_fds=[c.fileno()]); answer = p.pid");
        var local = new FlowEndpoint(IpAddress.FromIpv4(0x7f000001), port);
        FlowEndpoint peer = StreamServer.EndpointOf(client.LocalEndPoint!);
        var exception = Assert.Throws<CheckpointException>(() => SocketFinder.Find(owner.Pid, local, peer));
        Assert.Equal(CheckpointFailure.Refused, exception.Failure);
        Assert.Contains($"besides process {owner.Pid}, also {other} has it open", exception.Message, StringComparison.Ordinal);
        Assert.Equal("shared", Assert.Single(CheckpointPreflight.Inspect(owner.Pid, local, peer)).Code);
        owner.Tell("p.kill(); p.wait()");
        Assert.Empty(CheckpointPreflight.Inspect(owner.Pid, local, peer));
    }

    private static string[] Losses(TcpLink link)
    {
        IReadOnlyList<CheckpointObstacle> found = CheckpointPreflight.Inspect(Environment.ProcessId, link.ServerEndpoint, link.ClientEndpoint);
        Assert.All(found, static obstacle => Assert.True(obstacle.IsLoss, obstacle.Reason));
        return [.. found.Select(static obstacle => obstacle.Code)];
    }

    /// <summary>An ICMP message that the client's host can't be reached, about the segment that the server would send next.</summary>
    private static void Unreachable(TcpLink link)
    {
        uint next;
        using (PausedSocket paused = link.Attach())
        {
            paused.Pause();
            next = paused.Dump().Snapshot.SndNxt.Value;
        }

        const int Ip = 20;
        const int Icmp = 8;
        var packet = new byte[Ip + Icmp + Ip + 8];
        WriteIp(packet, 1, link.ClientEndpoint, link.ServerEndpoint, packet.Length);
        Span<byte> icmp = packet.AsSpan(Ip);
        icmp[0] = 3;
        icmp[1] = 1;
        Span<byte> quoted = icmp[Icmp..];
        WriteIp(quoted, 6, link.ServerEndpoint, link.ClientEndpoint, 40);
        BinaryPrimitives.WriteUInt16BigEndian(quoted[Ip..], link.ServerEndpoint.Port);
        BinaryPrimitives.WriteUInt16BigEndian(quoted[(Ip + 2)..], link.ClientEndpoint.Port);
        BinaryPrimitives.WriteUInt32BigEndian(quoted[(Ip + 4)..], next);
        uint sum = 0;
        for (int i = 0; i < icmp.Length; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(icmp[i..]);
        }

        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], (ushort)~((sum >> 16) + sum));
        link.Namespace.Run(() =>
        {
            using RawIpInjector injector = RawIpInjector.Open(4, 0);
            Assert.True(injector.Send(packet), string.Join(", ", injector.Statistics.Failures));
        });
        TcpLink.WaitUntil(() => link.Server.Poll(0, SelectMode.SelectError), "the error at the server");
    }

    private static void WriteIp(Span<byte> header, byte protocol, FlowEndpoint from, FlowEndpoint to, int length)
    {
        header[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)length);
        header[8] = 64;
        header[9] = protocol;
        from.Address.CopyTo(header[12..]);
        to.Address.CopyTo(header[16..]);
    }

    /// <summary>r0 = 0xffff; exit: a socket filter by the bpf system call, which lets everything through.</summary>
    private static void AttachBpf(Socket socket)
    {
        const int BPF_PROG_LOAD = 5;
        const int SO_ATTACH_BPF = 50;
        nint number = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 280 : 321;
        byte[] program = [0xb7, 0, 0, 0, 0xff, 0xff, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
        nint instructions = Marshal.AllocHGlobal(program.Length);
        nint license = Marshal.StringToHGlobalAnsi("GPL");
        nint attributes = Marshal.AllocHGlobal(128);
        try
        {
            Marshal.Copy(program, 0, instructions, program.Length);
            var zero = new byte[128];
            BinaryPrimitives.WriteInt32LittleEndian(zero, 1);
            BinaryPrimitives.WriteInt32LittleEndian(zero.AsSpan(4), program.Length / 8);
            BinaryPrimitives.WriteInt64LittleEndian(zero.AsSpan(8), instructions);
            BinaryPrimitives.WriteInt64LittleEndian(zero.AsSpan(16), license);
            Marshal.Copy(zero, 0, attributes, zero.Length);
            nint fd = Libc.syscall3(number, BPF_PROG_LOAD, attributes, zero.Length);
            Assert.SkipWhen(fd < 0, $"The kernel takes no BPF program: error {Marshal.GetLastPInvokeError()}.");
            using var loaded = new FileDescriptor((int)fd);
            socket.SetRawSocketOption(Libc.SOL_SOCKET, SO_ATTACH_BPF, BitConverter.GetBytes((int)fd));
        }
        finally
        {
            Marshal.FreeHGlobal(attributes);
            Marshal.FreeHGlobal(license);
            Marshal.FreeHGlobal(instructions);
        }
    }
}
