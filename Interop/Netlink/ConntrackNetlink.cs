using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>One TCP connection as connection tracking has it, seen from the end that is said to have opened it.</summary>
/// <param name="Local">That end's address, 4 or 16 bytes.</param>
/// <param name="LocalPort">Its port.</param>
/// <param name="Peer">The other's, as long.</param>
/// <param name="PeerPort">Its port.</param>
internal readonly record struct ConntrackTuple(ReadOnlyMemory<byte> Local, ushort LocalPort, ReadOnlyMemory<byte> Peer, ushort PeerPort);

/// <summary>What a new entry says beyond its addresses.</summary>
/// <param name="State">The kernel's number of its state (<c>enum tcp_conntrack</c>).</param>
/// <param name="TimeoutSeconds">When it is forgotten, if nothing comes.</param>
/// <param name="LocalWindowScale">Shift of the windows that the local end sends.</param>
/// <param name="PeerWindowScale">Shift of those that the peer sends.</param>
/// <param name="HasWindowScale">Both agreed on scaling.</param>
/// <param name="HasSack">Both agreed on SACK.</param>
internal readonly record struct ConntrackTcp(byte State, uint TimeoutSeconds, byte LocalWindowScale, byte PeerWindowScale, bool HasWindowScale, bool HasSack);

/// <summary>
/// Reads and writes the connection tracking table (ctnetlink, linux/netfilter/nfnetlink_conntrack.h) of the network namespace of the opening thread.
/// <para>Both calls return 0 or an error number and judge nothing. Threads: one at a time.</para>
/// </summary>
internal sealed class ConntrackNetlink : IDisposable
{
    private const int NETLINK_NETFILTER = 12;
    private const ushort IPCTNL_MSG_CT_NEW = 1 << 8;
    private const ushort IPCTNL_MSG_CT_GET = (1 << 8) | 1;
    private const ushort NLM_F_EXCL = 0x200;
    private const ushort NLM_F_CREATE = 0x400;
    private const ushort CTA_TUPLE_ORIG = 1;
    private const ushort CTA_TUPLE_REPLY = 2;
    private const ushort CTA_STATUS = 3;
    private const ushort CTA_PROTOINFO = 4;
    private const ushort CTA_TIMEOUT = 7;
    private const ushort CTA_TUPLE_IP = 1;
    private const ushort CTA_TUPLE_PROTO = 2;
    private const ushort CTA_IP_V4_SRC = 1;
    private const ushort CTA_IP_V4_DST = 2;
    private const ushort CTA_IP_V6_SRC = 3;
    private const ushort CTA_IP_V6_DST = 4;
    private const ushort CTA_PROTO_NUM = 1;
    private const ushort CTA_PROTO_SRC_PORT = 2;
    private const ushort CTA_PROTO_DST_PORT = 3;
    private const ushort CTA_PROTOINFO_TCP = 1;
    private const ushort CTA_PROTOINFO_TCP_STATE = 1;
    private const ushort CTA_PROTOINFO_TCP_WSCALE_ORIGINAL = 2;
    private const ushort CTA_PROTOINFO_TCP_WSCALE_REPLY = 3;
    private const ushort CTA_PROTOINFO_TCP_FLAGS_ORIGINAL = 4;
    private const ushort CTA_PROTOINFO_TCP_FLAGS_REPLY = 5;
    private const byte IP_CT_TCP_FLAG_WINDOW_SCALE = 1;
    private const byte IP_CT_TCP_FLAG_SACK_PERM = 2;
    private const uint IPS_SEEN_REPLY = 2;
    private const uint IPS_ASSURED = 4;
    private const uint IPS_CONFIRMED = 8;
    private const int Patience = 1000;
    private const string Subject = "connection tracking";

    private readonly NetlinkSocket _socket;
    private readonly NetlinkReceiveBuffer _answer = new(1, 8192, touch: false);
    private uint _sequence;

    private ConntrackNetlink(NetlinkSocket socket) => _socket = socket;

    /// <summary>Opens a socket in the calling thread's network namespace.</summary>
    /// <exception cref="LinuxException">The kernel has no netfilter netlink.</exception>
    internal static ConntrackNetlink Open() => new(NetlinkSocket.Open(NETLINK_NETFILTER, Subject));

    /// <summary>Whether there is an entry, whichever end it says opened the connection: 0, ENOENT where there is none, EPERM, EINVAL or EOPNOTSUPP where the kernel has no ctnetlink.</summary>
    internal int Find(in ConntrackTuple tuple)
    {
        var message = new NetlinkWriter(stackalloc byte[256]);
        Begin(ref message, IPCTNL_MSG_CT_GET, 0, tuple);
        Tuple(ref message, CTA_TUPLE_ORIG, tuple.Local.Span, tuple.LocalPort, tuple.Peer.Span, tuple.PeerPort);
        message.EndMessage();
        return Ask(message);
    }

    /// <summary>Makes an entry of a connection that both ends have confirmed (ASSURED): 0, EEXIST where there is one already, or why not.</summary>
    internal int Insert(in ConntrackTuple tuple, in ConntrackTcp tcp)
    {
        var message = new NetlinkWriter(stackalloc byte[512]);
        Begin(ref message, IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL, tuple);
        Tuple(ref message, CTA_TUPLE_ORIG, tuple.Local.Span, tuple.LocalPort, tuple.Peer.Span, tuple.PeerPort);
        Tuple(ref message, CTA_TUPLE_REPLY, tuple.Peer.Span, tuple.PeerPort, tuple.Local.Span, tuple.LocalPort);
        message.AttributeBigEndian(CTA_STATUS, IPS_CONFIRMED | IPS_ASSURED | IPS_SEEN_REPLY);
        message.AttributeBigEndian(CTA_TIMEOUT, tcp.TimeoutSeconds);
        int info = message.BeginNested(CTA_PROTOINFO);
        int inner = message.BeginNested(CTA_PROTOINFO_TCP);
        message.Attribute(CTA_PROTOINFO_TCP_STATE, [tcp.State]);
        message.Attribute(CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, [tcp.LocalWindowScale]);
        message.Attribute(CTA_PROTOINFO_TCP_WSCALE_REPLY, [tcp.PeerWindowScale]);
        byte flags = (byte)((tcp.HasWindowScale ? IP_CT_TCP_FLAG_WINDOW_SCALE : 0) | (tcp.HasSack ? IP_CT_TCP_FLAG_SACK_PERM : 0));
        message.Attribute(CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, [flags, flags]);
        message.Attribute(CTA_PROTOINFO_TCP_FLAGS_REPLY, [flags, flags]);
        message.EndNested(inner);
        message.EndNested(info);
        message.EndMessage();
        return Ask(message);
    }

    public void Dispose()
    {
        _socket.Dispose();
        _answer.Dispose();
    }

    private void Begin(scoped ref NetlinkWriter message, ushort type, int flags, in ConntrackTuple tuple) => message.BeginNetfilterMessage(
        type, (ushort)(NetlinkWriter.Request | NetlinkWriter.Acknowledge | flags), ++_sequence, (byte)(tuple.Local.Length == 4 ? Libc.AF_INET : Libc.AF_INET6), 0);

    private static void Tuple(scoped ref NetlinkWriter message, ushort type, ReadOnlySpan<byte> from, ushort fromPort, ReadOnlySpan<byte> to, ushort toPort)
    {
        bool isIpv4 = from.Length == 4;
        int tuple = message.BeginNested(type);
        int addresses = message.BeginNested(CTA_TUPLE_IP);
        message.Attribute(isIpv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, from);
        message.Attribute(isIpv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, to);
        message.EndNested(addresses);
        int protocol = message.BeginNested(CTA_TUPLE_PROTO);
        message.Attribute(CTA_PROTO_NUM, [Libc.IPPROTO_TCP]);
        Span<byte> port = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16BigEndian(port, fromPort);
        message.Attribute(CTA_PROTO_SRC_PORT, port);
        BinaryPrimitives.WriteUInt16BigEndian(port, toPort);
        message.Attribute(CTA_PROTO_DST_PORT, port);
        message.EndNested(protocol);
        message.EndNested(tuple);
    }

    /// <summary>The kernel's acknowledgement, behind the entry itself where one was asked for.</summary>
    private int Ask(scoped in NetlinkWriter message)
    {
        _socket.Send(message.Written);
        while (true)
        {
            NetlinkReceiveResult result = _socket.Receive(_answer, out _);
            if (result == NetlinkReceiveResult.Empty && !_socket.Wait(Patience))
            {
                return Errno.ETIMEDOUT;
            }

            if (result == NetlinkReceiveResult.Messages && TryReadEnd(_answer.Message(0), out int error))
            {
                return error;
            }
        }
    }

    private bool TryReadEnd(ReadOnlySpan<byte> datagram, out int error)
    {
        error = 0;
        var messages = new NetlinkReader(datagram);
        while (messages.TryRead(out NetlinkMessage message))
        {
            if (message.Sequence == _sequence && message.Type == NetlinkMessage.Error && message.Body.Length >= sizeof(int))
            {
                error = -MemoryMarshal.Read<int>(message.Body);
                return true;
            }
        }

        return false;
    }
}
