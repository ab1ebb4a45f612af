using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Interceptor.Tests.Replay.Stateful;

/// <summary>Listens on a port of its own of 127.0.0.1, and gives each client a thread that does what the test says, after which the connection is closed.</summary>
internal sealed class LoopbackServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Task> _clients = [];
    private readonly Task _accepting;

    internal LoopbackServer(Action<Socket> serve)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(1024);
        Port = (ushort)((IPEndPoint)_listener.LocalEndPoint!).Port;
        _accepting = Task.Factory.StartNew(() => Accept(serve), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    internal ushort Port { get; }

    /// <summary>Waits until every client so far has been served, and fails as serving did.</summary>
    internal void Join()
    {
        Task[] clients;
        lock (_clients)
        {
            clients = [.. _clients];
        }

        Assert.True(Task.WaitAll(clients, TimeSpan.FromSeconds(20)));
    }

    public void Dispose()
    {
        _listener.Dispose();
        _accepting.Wait();
    }

    private void Accept(Action<Socket> serve)
    {
        while (true)
        {
            Socket client;
            try
            {
                client = _listener.Accept();
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                return;
            }

            client.ReceiveTimeout = client.SendTimeout = 20_000;
            client.NoDelay = true;
            lock (_clients)
            {
                _clients.Add(Task.Factory.StartNew(() => Serve(client, serve), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
            }
        }
    }

    private static void Serve(Socket client, Action<Socket> serve)
    {
        using (client)
        {
            serve(client);
        }
    }
}

internal static class SocketReading
{
    /// <summary>So many bytes, or fewer where the peer closed.</summary>
    internal static string Read(this Socket socket, int length)
    {
        var bytes = new byte[length];
        int count = 0;
        while (count < length)
        {
            int part = socket.Receive(bytes.AsSpan(count));
            if (part == 0)
            {
                break;
            }

            count += part;
        }

        return Encoding.ASCII.GetString(bytes, 0, count);
    }
}
