using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Interceptor.Interop;

/// <summary>
/// Network interfaces and their addresses by rtnetlink(7). The socket belongs to the network namespace of the thread that opened it,
/// whichever thread uses it later; one thread at a time.
/// </summary>
internal sealed unsafe partial class RouteNetlink : IDisposable
{
    private const int NETLINK_ROUTE = 0;
    private const int SOL_NETLINK = 270;
    private const int NETLINK_CAP_ACK = 10;
    private const int NETLINK_EXT_ACK = 11;

    private const ushort NLMSG_ERROR = 2;
    private const ushort NLM_F_REQUEST = 1;
    private const ushort NLM_F_ACK = 4;
    private const ushort NLM_F_EXCL = 0x200;
    private const ushort NLM_F_CREATE = 0x400;
    private const ushort NLM_F_ACK_TLVS = 0x200;

    private const ushort RTM_NEWLINK = 16;
    private const ushort RTM_DELLINK = 17;
    private const ushort RTM_GETLINK = 18;
    private const ushort RTM_NEWADDR = 20;

    /// <summary>Bytes of <c>ifinfomsg</c>.</summary>
    private const int LinkHeaderLength = 16;

    private const ushort IFLA_IFNAME = 3;
    private const ushort IFLA_MTU = 4;
    private const ushort IFLA_OPERSTATE = 16;
    private const ushort IFLA_LINKINFO = 18;
    private const ushort IFLA_NET_NS_FD = 28;
    private const ushort IFLA_INFO_KIND = 1;
    private const ushort IFLA_INFO_DATA = 2;
    private const ushort VETH_INFO_PEER = 1;
    private const ushort IFA_ADDRESS = 1;
    private const ushort IFA_LOCAL = 2;
    private const byte IFA_F_NODAD = 2;
    private const uint IFF_UP = 1;
    private const byte IF_OPER_UP = 6;

    private const string AdminRemedy = "It needs CAP_NET_ADMIN in the namespace: run as root, or inside: unshare -Urn.";

    private const string LinkRemedy = "List the interfaces there are with: ip link.";

    private readonly FileDescriptor _socket;
    private readonly byte[] _reply = new byte[16 * 1024];
    private uint _sequence;

    private RouteNetlink(FileDescriptor socket) => _socket = socket;

    /// <summary>Opens a socket in the calling thread's network namespace.</summary>
    internal static RouteNetlink Open()
    {
        FileDescriptor socket = Libc.socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, NETLINK_ROUTE);
        if (socket.IsInvalid)
        {
            throw LinuxException.FromLastError("socket(NETLINK_ROUTE)", "");
        }

        // The kernel's own words for an error, without the request echoed; kernels before 4.12 answer with the number alone.
        int one = 1;
        _ = Libc.setsockopt(socket, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(int));
        _ = Libc.setsockopt(socket, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(int));
        return new RouteNetlink(socket);
    }

    /// <summary>The index of the interface called <paramref name="name"/> (at most 15 bytes).</summary>
    /// <exception cref="LinuxException">ENODEV: there is none.</exception>
    internal int InterfaceIndex(string name) => MemoryMarshal.Read<int>(GetLink(0, name, $"interface {name}").AsSpan(RouteMessage.HeaderLength + 4));

    /// <summary>True once the interface can carry packets: it is up and its carrier was noticed (operational state UP).</summary>
    internal bool IsOperational(int index)
    {
        ReadOnlySpan<byte> attributes = GetLink(index, null, $"interface {index}").AsSpan(RouteMessage.HeaderLength + LinkHeaderLength);
        return FindAttribute(attributes, IFLA_OPERSTATE) is [IF_OPER_UP, ..];
    }

    /// <summary>Makes a pair of joined interfaces, one here and the other in the namespace <paramref name="peerNamespace"/>. Both are down.</summary>
    /// <exception cref="LinuxException">EEXIST: a name is taken. EOPNOTSUPP: the kernel has no veth.</exception>
    internal void CreateVeth(string name, string peerName, FileDescriptor peerNamespace)
    {
        RouteMessage request = Begin(stackalloc byte[512], RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
        request.AppendInterface(0);
        request.Attribute(IFLA_IFNAME, name);
        int info = request.Open(IFLA_LINKINFO);
        request.Attribute(IFLA_INFO_KIND, "veth"u8);
        int data = request.Open(IFLA_INFO_DATA);
        int peer = request.Open(VETH_INFO_PEER);
        request.AppendInterface(0);
        request.Attribute(IFLA_IFNAME, peerName);
        request.Attribute(IFLA_NET_NS_FD, peerNamespace.Number);
        request.Close(peer);
        request.Close(data);
        request.Close(info);
        Execute(request, "create veth", $"{name} and {peerName}", AdminRemedy);
        GC.KeepAlive(peerNamespace);
    }

    /// <summary>Sets the interface up.</summary>
    internal void SetUp(int index)
    {
        RouteMessage request = Begin(stackalloc byte[64], RTM_NEWLINK, 0);
        request.AppendInterface(index, IFF_UP, IFF_UP);
        Execute(request, "set up", $"interface {index}", AdminRemedy);
    }

    /// <summary>Sets the largest packet the interface takes, in bytes without the link header.</summary>
    internal void SetMtu(int index, int mtu)
    {
        RouteMessage request = Begin(stackalloc byte[64], RTM_NEWLINK, 0);
        request.AppendInterface(index);
        request.Attribute(IFLA_MTU, mtu);
        Execute(request, $"set MTU {mtu}", $"interface {index}", AdminRemedy);
    }

    /// <summary>
    /// Gives the interface an address and the route to its prefix. IPv6 addresses skip duplicate address detection: they can be used at once.
    /// </summary>
    /// <exception cref="LinuxException">EEXIST: it has that address.</exception>
    internal void AddAddress(int index, IPAddress address, int prefixLength)
    {
        bool v6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        RouteMessage request = Begin(stackalloc byte[128], RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
        Span<byte> header = stackalloc byte[8];
        header[0] = (byte)(v6 ? Libc.AF_INET6 : Libc.AF_INET);
        header[1] = (byte)prefixLength;
        header[2] = v6 ? IFA_F_NODAD : (byte)0;
        header[3] = 0;
        MemoryMarshal.Write(header[4..], index);
        request.Append(header);
        byte[] bytes = address.GetAddressBytes();
        request.Attribute(IFA_LOCAL, bytes);
        request.Attribute(IFA_ADDRESS, bytes);
        Execute(request, $"add address {address}/{prefixLength}", $"interface {index}", AdminRemedy);
    }

    /// <summary>Deletes the interface; of a veth pair, the other end too.</summary>
    internal void DeleteLink(int index)
    {
        RouteMessage request = Begin(stackalloc byte[64], RTM_DELLINK, 0);
        request.AppendInterface(index);
        Execute(request, "delete", $"interface {index}", AdminRemedy);
    }

    public void Dispose() => _socket.Dispose();

    private byte[] GetLink(int index, string? name, string subject)
    {
        RouteMessage request = Begin(stackalloc byte[64], RTM_GETLINK, 0);
        request.AppendInterface(index);
        if (name is not null)
        {
            request.Attribute(IFLA_IFNAME, name);
        }

        return Execute(request, "find", subject, LinkRemedy) ?? throw new LinuxException(Errno.ENODEV, "find", subject, LinkRemedy);
    }

    private RouteMessage Begin(Span<byte> buffer, ushort type, int flags) =>
        new(buffer, type, (ushort)(NLM_F_REQUEST | NLM_F_ACK | flags), ++_sequence);

    /// <summary>Sends the request and reads to its acknowledgement. Gives the first message that answers it, or null where only that came.</summary>
    private byte[]? Execute(in RouteMessage request, string operation, string subject, string remedy)
    {
        Send(request.Finish(), operation, subject);
        byte[]? answer = null;
        while (true)
        {
            ReadOnlySpan<byte> rest = Receive(operation, subject);
            while (rest.Length >= RouteMessage.HeaderLength)
            {
                int length = Math.Clamp(MemoryMarshal.Read<int>(rest), RouteMessage.HeaderLength, rest.Length);
                ReadOnlySpan<byte> message = rest[..length];
                rest = rest[Math.Min(RouteMessage.Align(length), rest.Length)..];
                if (MemoryMarshal.Read<uint>(message[8..]) != _sequence)
                {
                    continue;
                }

                if (MemoryMarshal.Read<ushort>(message[4..]) != NLMSG_ERROR)
                {
                    answer ??= message.ToArray();
                    continue;
                }

                int error = -MemoryMarshal.Read<int>(message[RouteMessage.HeaderLength..]);
                return error == 0 ? answer : throw Refused(error, message, operation, subject, remedy);
            }
        }
    }

    private static LinuxException Refused(int error, ReadOnlySpan<byte> message, string operation, string subject, string remedy)
    {
        const ushort NLMSGERR_ATTR_MSG = 1;
        const int ErrorBodyLength = 4 + RouteMessage.HeaderLength;
        string said = "";
        if ((MemoryMarshal.Read<ushort>(message[6..]) & NLM_F_ACK_TLVS) != 0 && message.Length > RouteMessage.HeaderLength + ErrorBodyLength)
        {
            ReadOnlySpan<byte> text = FindAttribute(message[(RouteMessage.HeaderLength + ErrorBodyLength)..], NLMSGERR_ATTR_MSG);
            said = text.IsEmpty ? "" : $"The kernel says: {Encoding.UTF8.GetString(text.TrimEnd((byte)0))} ";
        }

        return new LinuxException(error, operation, subject, error is Errno.EPERM or Errno.ENODEV ? said + remedy : said.Length == 0 ? null : said.TrimEnd());
    }

    private static ReadOnlySpan<byte> FindAttribute(ReadOnlySpan<byte> attributes, ushort type)
    {
        while (attributes.Length >= 4)
        {
            int length = MemoryMarshal.Read<ushort>(attributes);
            if (length < 4 || length > attributes.Length)
            {
                break;
            }

            if (MemoryMarshal.Read<ushort>(attributes[2..]) == type)
            {
                return attributes[4..length];
            }

            attributes = attributes[Math.Min(RouteMessage.Align(length), attributes.Length)..];
        }

        return default;
    }

    private void Send(ReadOnlySpan<byte> message, string operation, string subject)
    {
        fixed (byte* data = message)
        {
            while (Libc.send(_socket, data, (nuint)message.Length, 0) < 0)
            {
                if (Marshal.GetLastPInvokeError() != Errno.EINTR)
                {
                    throw LinuxException.FromLastError($"{operation} (send to rtnetlink)", subject);
                }
            }
        }
    }

    private ReadOnlySpan<byte> Receive(string operation, string subject)
    {
        fixed (byte* buffer = _reply)
        {
            nint count;
            while ((count = Libc.recv(_socket, buffer, (nuint)_reply.Length, 0)) < 0)
            {
                if (Marshal.GetLastPInvokeError() != Errno.EINTR)
                {
                    throw LinuxException.FromLastError($"{operation} (answer of rtnetlink)", subject);
                }
            }

            return _reply.AsSpan(0, (int)count);
        }
    }
}
