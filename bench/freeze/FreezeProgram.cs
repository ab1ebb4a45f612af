using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.FreezeBench;

/// <summary>The compiled freeze.c, in a directory of its own until it is disposed.</summary>
internal sealed class FreezeProgram : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("interceptor-freeze-");

    internal string Path => System.IO.Path.Combine(_directory.FullName, "freeze");

    internal static FreezeProgram Build()
    {
        var program = new FreezeProgram();
        string source = System.IO.Path.Combine(AppContext.BaseDirectory, "../../../freeze.c");
        using Process compiler = Process.Start("gcc", ["-O2", "-o", program.Path, source]);
        compiler.WaitForExit();
        return compiler.ExitCode == 0 ? program : throw new InvalidOperationException("freeze.c was not compiled.");
    }

    internal Process Start(NetworkNamespace ns, params string[] words) => ns.Run(() => Process.Start(
        new ProcessStartInfo(Path, words) { RedirectStandardInput = true, RedirectStandardOutput = true })!);

    public void Dispose() => _directory.Delete(recursive: true);
}

/// <summary>One connection: its owner is a process of freeze.c, its peer a socket of ours that reads only at the end.</summary>
internal sealed class OwnedConnection : IDisposable
{
    private const int Unread = 64 * 1024;
    private const int PeerBuffer = 4096;
    private const int AmpleBuffer = 1 << 20;
    private static readonly byte[] Alive = [.. "alive"u8];
    private readonly Process _owner;
    private readonly Socket _peer;
    private readonly long _written;

    internal OwnedConnection(FreezeProgram program, NetworkNamespace ns, int port, bool isFull)
    {
        _owner = program.Start(ns, "owner", port.ToString(), isFull ? "full" : "idle");
        _ = _owner.StandardOutput.ReadLine();
        _peer = ns.Run(() =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            if (isFull)
            {
                socket.ReceiveBufferSize = PeerBuffer;
            }

            socket.Connect(IPAddress.Loopback, port);
            return socket;
        });
        if (isFull)
        {
            _peer.Send(new byte[Unread]);
        }

        string[] words = _owner.StandardOutput.ReadLine()!.Split(' ');
        Descriptor = int.Parse(words[1]);
        _written = long.Parse(words[2]);
        Local = new FlowEndpoint(IpAddress.FromIpv4(0x7f000001), (ushort)port);
        Peer = new FlowEndpoint(Local.Address, (ushort)((IPEndPoint)_peer.LocalEndPoint!).Port);
    }

    internal int Pid => _owner.Id;

    internal int Descriptor { get; }

    internal FlowEndpoint Local { get; }

    internal FlowEndpoint Peer { get; }

    /// <summary>What the old owner had written must come, and then what the new one says.</summary>
    internal void RequireAlive()
    {
        _peer.ReceiveTimeout = 10_000;
        _peer.ReceiveBufferSize = AmpleBuffer;
        byte[] buffer = new byte[1 << 20];
        long got = 0;
        int last = 0;
        for (; got < _written + Alive.Length; got += last)
        {
            last = _peer.Receive(buffer);
            if (last == 0)
            {
                throw new InvalidOperationException($"The connection ended after {got} bytes.");
            }
        }

        if (got != _written + Alive.Length || !buffer.AsSpan(0, last).EndsWith(Alive.AsSpan(Math.Max(0, Alive.Length - last))))
        {
            throw new InvalidOperationException($"{got} bytes came instead of {_written + Alive.Length}.");
        }
    }

    public void Dispose()
    {
        _peer.Dispose();
        if (!_owner.HasExited)
        {
            _owner.Kill();
        }

        _owner.WaitForExit();
        _owner.Dispose();
    }
}
