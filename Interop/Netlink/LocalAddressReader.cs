using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>Called for each address with its 4 or 16 bytes, valid during the call, and the interface that has it.</summary>
internal delegate void AddressVisitor(ReadOnlySpan<byte> address, int interfaceIndex);

/// <summary>
/// The addresses at which this machine takes packets, of the network namespace of the thread that opens it: those of its interfaces, and their broadcast addresses.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed class LocalAddressReader : IDisposable
{
    private const int NETLINK_ROUTE = 0;
    private const ushort RTM_NEWADDR = 20;
    private const ushort RTM_GETADDR = 22;
    private const ushort IFA_ADDRESS = 1;
    private const ushort IFA_LOCAL = 2;
    private const ushort IFA_BROADCAST = 4;
    private const string Subject = "the addresses of the interfaces";

    /// <summary>struct ifaddrmsg.</summary>
    private const int HeaderLength = 8;
    private const int InterfaceOffset = 4;

    private readonly NetlinkDump _dump;

    private LocalAddressReader(NetlinkDump dump) => _dump = dump;

    /// <summary>For the calling thread's network namespace.</summary>
    internal static LocalAddressReader Open() => new(NetlinkDump.Open(NETLINK_ROUTE, Subject));

    /// <summary>The interfaces of the calling thread's network namespace that have an address (4 or 16 bytes), in order of their indices.</summary>
    internal static List<(int Index, string Name)> InterfacesOf(ReadOnlySpan<byte> address)
    {
        var indices = new HashSet<int>();
        byte[] asked = address.ToArray();
        using (LocalAddressReader reader = Open())
        {
            reader.List((found, index) =>
            {
                if (found.SequenceEqual(asked))
                {
                    indices.Add(index);
                }
            });
        }

        return LinuxInterfaces.Indices().FindAll(link => indices.Contains(link.Index));
    }

    /// <summary>Shows every address; one that several interfaces have comes several times.</summary>
    internal void List(AddressVisitor visitor)
    {
        Span<byte> request = stackalloc byte[NetlinkMessage.HeaderLength + HeaderLength];
        request.Clear();
        int error = _dump.Run(request, RTM_GETADDR, (in NetlinkMessage message) => Show(message, visitor));
        if (error != 0)
        {
            throw new LinuxException(error, "list", Subject);
        }
    }

    public void Dispose() => _dump.Dispose();

    private static void Show(in NetlinkMessage message, AddressVisitor visitor)
    {
        if (message.Type != RTM_NEWADDR || message.Body.Length < HeaderLength)
        {
            return;
        }

        // IFA_ADDRESS is the other end's on a link with two ends, where IFA_LOCAL is ours; elsewhere they are the same, and IPv6 has the first alone.
        int index = MemoryMarshal.Read<int>(message.Body[InterfaceOffset..]);
        ReadOnlySpan<byte> own = default;
        var attributes = new NetlinkAttributeReader(message.Body[HeaderLength..]);
        while (attributes.TryRead())
        {
            if (attributes.Value.Length is not (4 or 16))
            {
                continue;
            }

            if (attributes.Type == IFA_LOCAL || (attributes.Type == IFA_ADDRESS && own.IsEmpty))
            {
                own = attributes.Value;
            }
            else if (attributes.Type == IFA_BROADCAST)
            {
                visitor(attributes.Value, index);
            }
        }

        if (!own.IsEmpty)
        {
            visitor(own, index);
        }
    }
}
