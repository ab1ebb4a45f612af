using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// What sock_diag(7) tells of one internet socket (<c>struct inet_diag_msg</c> and the attributes behind it). Borrows the message.
/// </summary>
internal readonly ref struct SocketDiagnosticMessage
{
    internal const ushort INET_DIAG_INFO = 2;
    private const ushort INET_DIAG_SKV6ONLY = 11;
    private const ushort INET_DIAG_CGROUP_ID = 21;

    /// <summary>Bytes of the fixed part.</summary>
    internal const int FixedLength = 72;

    private readonly ReadOnlySpan<byte> _body;

    private SocketDiagnosticMessage(ReadOnlySpan<byte> body) => _body = body;

    /// <summary>AF_INET or AF_INET6: the socket's family, which of a v4-mapped connection is AF_INET6.</summary>
    internal byte Family => _body[0];

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

    /// <summary>The attributes behind the fixed part.</summary>
    internal NetlinkAttributeReader Attributes() => new(_body[FixedLength..]);
}
