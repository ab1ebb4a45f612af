using System.Net.Sockets;

namespace Interceptor.Interop;

/// <summary>Stream sockets of this machine (man 7 unix), by path, or by an abstract name that is written with <c>@</c> before it.</summary>
internal static class UnixSocket
{
    /// <summary>Connects to whoever listens there.</summary>
    /// <exception cref="LinuxException">Nobody does (ECONNREFUSED, ENOENT), or it may not be connected to.</exception>
    /// <exception cref="ArgumentException">It is no name that a Unix socket can have, as one that is too long.</exception>
    internal static FileDescriptor Connect(string name)
    {
        ReadOnlySpan<byte> address = AddressOf(name);
        FileDescriptor fd = NativeSocket.Create(Libc.AF_UNIX, Libc.SOCK_STREAM, 0);
        try
        {
            NativeSocket.Connect(fd, address, name);
            return fd;
        }
        catch
        {
            fd.Dispose();
            throw;
        }
    }

    private static ReadOnlySpan<byte> AddressOf(string name)
    {
        System.Net.SocketAddress address = new UnixDomainSocketEndPoint(name.StartsWith('@') ? $"\0{name[1..]}" : name).Serialize();
        return address.Buffer.Span[..address.Size];
    }
}
