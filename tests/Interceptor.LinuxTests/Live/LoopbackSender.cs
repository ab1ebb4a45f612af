using System.Net;
using System.Net.Sockets;
using Interceptor.Interop;

namespace Interceptor.LinuxTests.Live;

/// <summary>Sends numbered datagrams over a namespace's loopback to sockets that are there, so that no ICMP answers.</summary>
internal sealed class LoopbackSender : IDisposable
{
    private readonly Socket _receiver;
    private readonly Socket _other;
    private readonly Socket _sender;

    internal LoopbackSender(NetworkNamespace where)
    {
        _receiver = Bound(where);
        _other = Bound(where);
        _sender = Bound(where);
    }

    internal int Port => ((IPEndPoint)_receiver.LocalEndPoint!).Port;

    /// <summary>A datagram of so many bytes.</summary>
    internal void Send(int number, int length)
    {
        byte[] data = new byte[length];
        BitConverter.TryWriteBytes(data, number);
        _sender.SendTo(data, _receiver.LocalEndPoint!);
    }

    internal void Send(int number) => _sender.SendTo(BitConverter.GetBytes(number), _receiver.LocalEndPoint!);

    internal void Send(byte[] data) => _sender.SendTo(data, _receiver.LocalEndPoint!);

    internal void SendElsewhere(int number) => _sender.SendTo(BitConverter.GetBytes(number), _other.LocalEndPoint!);

    public void Dispose()
    {
        _receiver.Dispose();
        _other.Dispose();
        _sender.Dispose();
    }

    private static Socket Bound(NetworkNamespace where)
    {
        Socket socket = where.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}
