using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>
/// A server in a process of its own, inside a namespace: accepts one connection, or more, writes an endless known stream to each and checks the one it reads.
/// With one connection it ends with that; with more it outlives them. The byte at offset o is the same in both streams, so whoever goes on needs only the offset.
/// </summary>
internal sealed class StreamServer : IDisposable
{
    private const int Period = 65521;

    private const string Script = """
        import socket, sys, threading
        P = 65521
        pattern = bytes(((i * i + 7 * i) >> 3) & 255 for i in range(P)) * 3
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        print(listener.getsockname()[1], flush=True)
        def read(connection):
            at = 0
            while True:
                data = connection.recv(65536)
                if not data:
                    return
                if data != pattern[at % P:at % P + len(data)]:
                    print("wrong data at", at, file=sys.stderr, flush=True)
                at += len(data)
        def serve(connection):
            threading.Thread(target=read, args=(connection,), daemon=True).start()
            at = 0
            while True:
                at += connection.send(pattern[at % P:at % P + 65536])
        connections = [listener.accept()[0] for _ in range(int(sys.argv[2]))]
        if "idle" not in sys.argv:
            if len(connections) == 1:
                serve(connections[0])
            for connection in connections:
                threading.Thread(target=serve, args=(connection,), daemon=True).start()
        sys.stdin.read()
        """;

    private readonly Process _process;

    internal StreamServer(NetworkNamespace ns, bool idle = false, int connections = 1)
    {
        KernelTest.RequireTool("python3");
        var start = new ProcessStartInfo("python3") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(Script);
        start.ArgumentList.Add(idle ? "idle" : "busy");
        start.ArgumentList.Add(connections.ToString(CultureInfo.InvariantCulture));
        _process = ns.Run(() => Process.Start(start)!);
        Endpoint = new FlowEndpoint(IpAddress.FromIpv4(0x7f000001), ushort.Parse(_process.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture));
    }

    internal static byte[] Pattern { get; } = MakePattern();

    internal FlowEndpoint Endpoint { get; }

    internal int Pid => _process.Id;

    internal bool HasExited => _process.HasExited;

    /// <summary>A socket that whoever listens at the server's place has answered.</summary>
    internal Socket Call(NetworkNamespace ns) => ns.Run(() =>
    {
        var caller = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        caller.Connect(IPAddress.Loopback, Endpoint.Port);
        return caller;
    });

    /// <summary>A client's socket, connected to the server.</summary>
    internal Socket Connect(NetworkNamespace ns) => ns.Run(() =>
    {
        Socket client = Call(ns);

        // The kernel is connected before the server has accepted.
        FlowEndpoint peer = EndpointOf(client.LocalEndPoint!);
        TcpLink.WaitUntil(() => SocketFinder.List(Pid).Any(socket => socket.Peer == peer), "the server's accept");
        return client;
    });

    internal static FlowEndpoint EndpointOf(EndPoint endpoint)
    {
        var ip = (IPEndPoint)endpoint;
        return new FlowEndpoint(IpAddress.FromBytes(ip.Address.GetAddressBytes()), (ushort)ip.Port);
    }

    /// <summary>The stream's bytes from an offset on.</summary>
    internal static ReadOnlySpan<byte> Bytes(long offset, int length) => Pattern.AsSpan((int)(offset % Period), length);

    /// <summary>Reads to the end of the stream from <paramref name="offset"/> on, checking every byte; returns the offset of the end.</summary>
    internal static long ReadToEnd(Socket socket, long offset)
    {
        var buffer = new byte[65536];
        while (socket.Receive(buffer) is int count and > 0)
        {
            Assert.True(buffer.AsSpan(0, count).SequenceEqual(Bytes(offset, count)), $"The stream differs within {count} bytes from offset {offset}.");
            offset += count;
        }

        return offset;
    }

    /// <summary>Writes the stream from <paramref name="offset"/> on until <paramref name="stop"/> says so, then shuts down; returns the offset of the end.</summary>
    internal static long WriteUntil(Socket socket, long offset, Func<long, bool> stop)
    {
        while (!stop(offset))
        {
            offset += socket.Send(Bytes(offset, 32768));
        }

        socket.Shutdown(SocketShutdown.Send);
        return offset;
    }

    /// <summary>Ends it; gives what it said of wrong data, or nothing.</summary>
    internal string EndAndReadErrors()
    {
        _process.Kill();
        return _process.StandardError.ReadToEnd();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.WaitForExit();
        _process.Dispose();
    }

    private static byte[] MakePattern()
    {
        var pattern = new byte[Period * 3];
        for (int i = 0; i < pattern.Length; i++)
        {
            long at = i % Period;
            pattern[i] = (byte)(((at * at) + (7 * at)) >> 3);
        }

        return pattern;
    }
}
