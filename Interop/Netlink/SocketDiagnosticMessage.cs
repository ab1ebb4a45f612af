using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Interceptor.Interop;

/// <summary>
/// What sock_diag(7) tells of one internet socket (<c>struct inet_diag_msg</c> and the attributes behind it). Borrows the message.
/// </summary>
internal readonly ref struct SocketDiagnosticMessage
{
    internal const ushort INET_DIAG_INFO = 2;
    internal const ushort INET_DIAG_CONG = 4;
    private const ushort INET_DIAG_SKV6ONLY = 11;
    private const ushort INET_DIAG_MD5SIG = 18;
    private const ushort INET_DIAG_ULP_INFO = 19;
    private const ushort INET_DIAG_CGROUP_ID = 21;
    private const ushort INET_ULP_INFO_NAME = 1;

    /// <summary>Bytes of the fixed part.</summary>
    internal const int FixedLength = 72;

    private readonly ReadOnlySpan<byte> _body;

    private SocketDiagnosticMessage(ReadOnlySpan<byte> body) => _body = body;

    /// <summary>AF_INET or AF_INET6: the socket's family, which of a v4-mapped connection is AF_INET6.</summary>
    internal byte Family => _body[0];

    /// <summary>By the kernel's number; 12 is a handshake that has no socket yet.</summary>
    internal byte State => _body[1];

    /// <summary>Milliseconds until the running timer fires; 0 for none.</summary>
    internal uint TimerMilliseconds => MemoryMarshal.Read<uint>(_body[52..]);

    /// <summary>Bytes that wait to be read; of a listening socket, connections that wait to be accepted.</summary>
    internal uint ReceiveQueue => MemoryMarshal.Read<uint>(_body[56..]);

    /// <summary>Bytes that were written and not acknowledged; of a listening socket, how many connections may wait.</summary>
    internal uint SendQueue => MemoryMarshal.Read<uint>(_body[60..]);

    /// <summary>The local address, 4 or 16 bytes; zeros for any.</summary>
    internal ReadOnlySpan<byte> LocalAddress => _body.Slice(8, AddressLength);

    internal ushort LocalPort => BinaryPrimitives.ReadUInt16BigEndian(_body[4..]);

    /// <summary>The peer's address, as long; zeros for none.</summary>
    internal ReadOnlySpan<byte> PeerAddress => _body.Slice(24, AddressLength);

    /// <summary>0 for a socket that is not connected.</summary>
    internal ushort PeerPort => BinaryPrimitives.ReadUInt16BigEndian(_body[6..]);

    /// <summary>Who made the socket, as seen in the asker's user namespace.</summary>
    internal uint Uid => MemoryMarshal.Read<uint>(_body[64..]);

    /// <summary>0 for a connection that no descriptor names: not accepted yet, or closed and still ending.</summary>
    internal uint Inode => MemoryMarshal.Read<uint>(_body[68..]);

    /// <summary>The socket's own number, which getsockopt(SO_COOKIE) gives, too: 8 bytes.</summary>
    internal ReadOnlySpan<byte> Cookie => _body.Slice(44, 8);

    private int AddressLength => Family == Libc.AF_INET ? 4 : 16;

    /// <summary>False for what is too short to be one, or of another family.</summary>
    internal static bool TryParse(ReadOnlySpan<byte> body, out SocketDiagnosticMessage message)
    {
        bool isOne = body.Length >= FixedLength && body[0] is Libc.AF_INET or Libc.AF_INET6;
        message = isOne ? new SocketDiagnosticMessage(body) : default;
        return isOne;
    }

    /// <summary>Reads what stands in attributes.</summary>
    /// <param name="cgroup">The version 2 control group that the socket was made in, by its directory's inode; 0 before Linux 5.9.</param>
    /// <param name="isIpv6Only">True for an unconnected IPv6 socket that takes no IPv4.</param>
    internal void ReadAttributes(out ulong cgroup, out bool isIpv6Only)
    {
        cgroup = 0;
        isIpv6Only = false;
        NetlinkAttributeReader attributes = Attributes();
        while (attributes.TryRead())
        {
            if (attributes.Type == INET_DIAG_CGROUP_ID && attributes.Value.Length >= sizeof(ulong))
            {
                cgroup = MemoryMarshal.Read<ulong>(attributes.Value);
            }
            else if (attributes.Type == INET_DIAG_SKV6ONLY)
            {
                isIpv6Only = attributes.Value is [not 0, ..];
            }
        }
    }

    /// <summary>Reads the attribute that is asked for with <see cref="INET_DIAG_INFO"/>, as far as this kernel fills it; false where it is not there.</summary>
    internal bool TryReadInfo(out Libc.tcp_info info)
    {
        info = default;
        NetlinkAttributeReader attributes = Attributes();
        while (attributes.TryRead())
        {
            if (attributes.Type == INET_DIAG_INFO)
            {
                Span<byte> bytes = MemoryMarshal.AsBytes(new Span<Libc.tcp_info>(ref info));
                attributes.Value[..Math.Min(attributes.Value.Length, bytes.Length)].CopyTo(bytes);
                return true;
            }
        }

        return false;
    }

    /// <summary>Reads what stands in attributes of a TCP socket whose <see cref="INET_DIAG_INFO"/> was asked for.</summary>
    /// <param name="congestion">The congestion control's name; empty where it was not asked for.</param>
    /// <param name="upperLayer">The protocol on top (TCP_ULP); empty for none.</param>
    /// <param name="isSigned">Its segments are signed with MD5, which shows with CAP_NET_ADMIN only.</param>
    internal void ReadTcpAttributes(out string congestion, out string upperLayer, out bool isSigned)
    {
        congestion = "";
        upperLayer = "";
        isSigned = false;
        NetlinkAttributeReader attributes = Attributes();
        while (attributes.TryRead())
        {
            switch (attributes.Type)
            {
                case INET_DIAG_CONG:
                    congestion = TextOf(attributes.Value);
                    break;
                case INET_DIAG_MD5SIG:
                    isSigned = true;
                    break;
                case INET_DIAG_ULP_INFO:
                    var nested = new NetlinkAttributeReader(attributes.Value);
                    while (nested.TryRead())
                    {
                        upperLayer = nested.Type == INET_ULP_INFO_NAME ? TextOf(nested.Value) : upperLayer;
                    }

                    break;
                default:
                    break;
            }
        }
    }

    private static string TextOf(ReadOnlySpan<byte> value) => Encoding.ASCII.GetString(value.TrimEnd((byte)0));

    /// <summary>The attributes behind the fixed part.</summary>
    internal NetlinkAttributeReader Attributes() => new(_body[FixedLength..]);
}
