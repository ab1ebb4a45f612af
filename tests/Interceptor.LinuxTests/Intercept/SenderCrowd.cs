using System.Net;
using System.Net.Sockets;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>UDP senders of many addresses (127.0.1.1, 127.0.1.2 and so on), all to the receiver of a <see cref="LoopbackQueue"/>: the kernel spreads packets over queues by address.</summary>
internal sealed class SenderCrowd : IDisposable
{
    private readonly LoopbackQueue _loopback;
    private readonly Socket[] _senders;
    private readonly int[] _sent;

    internal SenderCrowd(LoopbackQueue loopback, int count)
    {
        _loopback = loopback;
        _sent = new int[count];
        _senders = [.. Enumerable.Range(0, count).Select(index =>
        {
            Socket sender = loopback.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
            sender.Bind(new IPEndPoint(Address(index), 0));
            sender.Connect(loopback.Receiver.LocalEndPoint!);
            return sender;
        })];
    }

    internal static IPAddress Address(int index) => new([127, 0, 1, (byte)(index + 1)]);

    /// <summary>From each sender in turn its next numbers.</summary>
    internal void Send(int count)
    {
        for (int i = 0; i < _senders.Length; i++)
        {
            SendFrom(i, count);
        }
    }

    internal void SendFrom(int index, int count)
    {
        for (int i = 0; i < count; i++)
        {
            _senders[index].Send(BitConverter.GetBytes(_sent[index]++));
        }
    }

    /// <summary>What has arrived, without waiting.</summary>
    internal List<(IPAddress Source, int Number)> Arrived()
    {
        var packets = new List<(IPAddress Source, int Number)>();
        byte[] buffer = new byte[64];
        while (_loopback.Receiver.Available > 0)
        {
            EndPoint from = new IPEndPoint(IPAddress.Any, 0);
            _loopback.Receiver.ReceiveFrom(buffer, ref from);
            packets.Add((((IPEndPoint)from).Address, BitConverter.ToInt32(buffer)));
        }

        return packets;
    }

    public void Dispose() => Array.ForEach(_senders, sender => sender.Dispose());
}
