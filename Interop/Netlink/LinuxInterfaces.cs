using System.Text;

namespace Interceptor.Interop;

/// <summary>What the kernel says of the interfaces in the calling thread's network namespace. No privileges needed.</summary>
internal static unsafe class LinuxInterfaces
{
    /// <summary>Their names in order of their indices.</summary>
    internal static List<string> Names() => Indices().ConvertAll(static at => at.Name);

    /// <summary>Their indices and names, in that order.</summary>
    internal static List<(int Index, string Name)> Indices()
    {
        InterfaceNameIndex* list = Libc.if_nameindex();
        if (list is null)
        {
            throw LinuxException.FromLastError("if_nameindex", "");
        }

        var found = new List<(int, string)>();
        for (InterfaceNameIndex* at = list; at->Index != 0; at++)
        {
            found.Add(((int)at->Index, LibPcapHandle.Text(at->Name)));
        }

        Libc.if_freenameindex(list);
        return found;
    }

    /// <summary>The index, or 0 where there is no such interface.</summary>
    internal static int IndexOf(string name) => (int)Libc.if_nametoindex(name);

    /// <summary>The ARPHRD_ number; false where there is no such interface.</summary>
    internal static bool TryGetHardwareType(string name, out ushort type)
    {
        bool found = TryAsk(name, Libc.SIOCGIFHWADDR, out InterfaceRequest answer);
        type = answer.First;
        return found;
    }

    /// <summary>The longest packet in bytes, without the link header; false where there is no such interface.</summary>
    internal static bool TryGetMtu(string name, out int mtu)
    {
        bool found = TryAsk(name, Libc.SIOCGIFMTU, out InterfaceRequest answer);
        mtu = (answer.Second << 16) | answer.First;
        return found;
    }

    /// <summary>The address of an Ethernet interface, 6 bytes; false for any other.</summary>
    internal static bool TryGetEthernetAddress(string name, Span<byte> address)
    {
        if (!TryAsk(name, Libc.SIOCGIFHWADDR, out InterfaceRequest answer) || answer.First != Libc.ARPHRD_ETHER)
        {
            return false;
        }

        new ReadOnlySpan<byte>(&answer.Second, 6).CopyTo(address);
        return true;
    }

    /// <summary>The refusal for an interface that is not there, with those that are.</summary>
    internal static LinuxException NoSuchInterface(string operation, string name)
    {
        List<string> names = Names();
        string there = names.Count == 0 ? "There is no interface here." : $"Interfaces here: {string.Join(", ", names)}.";
        return new LinuxException(Errno.ENODEV, operation, $"interface {name}", there);
    }

    private static bool TryAsk(string name, nuint request, out InterfaceRequest answer)
    {
        answer = default;
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) >= Libc.IFNAMSIZ)
        {
            return false;
        }

        using FileDescriptor socket = Libc.socket(Libc.AF_INET, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC, 0);
        if (socket.IsInvalid)
        {
            throw LinuxException.FromLastError("socket(AF_INET)", "");
        }

        InterfaceRequest asked = default;
        Encoding.UTF8.GetBytes(name, new Span<byte>(asked.Name, Libc.IFNAMSIZ - 1));
        if (Libc.ioctl(socket, request, &asked) != 0)
        {
            return false;
        }

        answer = asked;
        return true;
    }
}
