using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>What <see cref="NetlinkDump"/> hands over: valid during the call.</summary>
internal delegate void NetlinkVisitor(in NetlinkMessage message);

/// <summary>
/// Asks the kernel for a whole table (NLM_F_DUMP) and reads it to its end. The socket belongs to the network namespace of the opening thread, whichever thread
/// asks later; one thread at a time. The kernel makes each piece of the answer when the one before is fetched: what changes meanwhile may be in it or not.
/// </summary>
internal sealed class NetlinkDump : IDisposable
{
    private const ushort NLMSG_DONE = 3;
    private const ushort NLM_F_REQUEST = 1;
    private const ushort NLM_F_DUMP = 0x300;
    private const int Patience = 1000;

    // The kernel fills pieces of up to 32 KiB where the reader has shown room for them.
    private readonly NetlinkReceiveBuffer _buffer = new(4, 32 * 1024, touch: false);
    private readonly NetlinkSocket _socket;
    private readonly string _subject;
    private uint _sequence;

    private NetlinkDump(NetlinkSocket socket, string subject)
    {
        _socket = socket;
        _subject = subject;
    }

    /// <summary>Opens a socket in the calling thread's network namespace.</summary>
    /// <param name="protocol">NETLINK_SOCK_DIAG, ...</param>
    /// <param name="subject">What it is for, in messages.</param>
    internal static NetlinkDump Open(int protocol, string subject) => new(NetlinkSocket.Open(protocol, subject), subject);

    /// <summary>Sends <paramref name="request"/>, whose header is filled in here, and shows every message of the answer.</summary>
    /// <param name="request">Room for the header, then the body.</param>
    /// <param name="type">The message's type.</param>
    /// <param name="visitor">Called on this thread for each message that answers.</param>
    /// <returns>0, or the error number with which the kernel refused or ended the dump.</returns>
    /// <exception cref="LinuxException">The kernel can't be asked; ENOBUFS and ETIMEDOUT pass.</exception>
    internal int Run(Span<byte> request, ushort type, NetlinkVisitor visitor)
    {
        MemoryMarshal.Write(request, (uint)request.Length);
        MemoryMarshal.Write(request[4..], type);
        MemoryMarshal.Write(request[6..], (ushort)(NLM_F_REQUEST | NLM_F_DUMP));
        MemoryMarshal.Write(request[8..], ++_sequence);
        request[12..NetlinkMessage.HeaderLength].Clear();
        _socket.Send(request);
        while (true)
        {
            switch (_socket.Receive(_buffer, out int count))
            {
                case NetlinkReceiveResult.Overrun:
                    throw new LinuxException(Errno.ENOBUFS, "read", _subject);
                case NetlinkReceiveResult.Empty when !_socket.Wait(Patience):
                    throw new LinuxException(Errno.ETIMEDOUT, "read", _subject);
            }

            for (int slot = 0; slot < count; slot++)
            {
                if (Show(_buffer.Message(slot), visitor) is { } end)
                {
                    return end;
                }
            }
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        _buffer.Dispose();
    }

    /// <summary>The error number at the dump's end, or null where more follows. What answers an earlier request, which failed midway, is passed over.</summary>
    private int? Show(ReadOnlySpan<byte> datagram, NetlinkVisitor visitor)
    {
        var messages = new NetlinkReader(datagram);
        while (messages.TryRead(out NetlinkMessage message))
        {
            if (message.Sequence != _sequence)
            {
                continue;
            }

            if (message.Type is NLMSG_DONE or NetlinkMessage.Error)
            {
                return message.Body.Length >= sizeof(int) ? -MemoryMarshal.Read<int>(message.Body) : 0;
            }

            visitor(message);
        }

        return null;
    }
}
