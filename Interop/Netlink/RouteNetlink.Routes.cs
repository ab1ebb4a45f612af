using System.Runtime.InteropServices;

namespace Interceptor.Interop;

internal sealed unsafe partial class RouteNetlink
{
    private const ushort RTM_GETROUTE = 26;
    private const ushort RTA_DST = 1;
    private const ushort RTA_SRC = 2;
    private const ushort RTA_OIF = 4;

    /// <summary>Bytes of <c>rtmsg</c>.</summary>
    private const int RouteHeaderLength = 12;

    /// <summary>The interface through which packets from one address of this machine go to another; 0 where there is no way.</summary>
    /// <param name="destination">4 or 16 bytes.</param>
    /// <param name="source">As many.</param>
    internal int OutputInterface(ReadOnlySpan<byte> destination, ReadOnlySpan<byte> source)
    {
        RouteMessage request = Begin(stackalloc byte[96], RTM_GETROUTE, 0);
        Span<byte> header = stackalloc byte[RouteHeaderLength];
        header.Clear();
        header[0] = (byte)(destination.Length == 4 ? Libc.AF_INET : Libc.AF_INET6);
        header[1] = (byte)(destination.Length * 8);
        header[2] = (byte)(source.Length * 8);
        request.Append(header);
        request.Attribute(RTA_DST, destination);
        request.Attribute(RTA_SRC, source);
        try
        {
            byte[]? answer = Execute(request, "look up", "a route", "");
            ReadOnlySpan<byte> index = answer is null ? default : FindAttribute(answer.AsSpan(RouteMessage.HeaderLength + RouteHeaderLength), RTA_OIF);
            return index.Length == sizeof(int) ? MemoryMarshal.Read<int>(index) : 0;
        }
        catch (LinuxException exception) when (exception.Errno is Errno.ENETUNREACH or Errno.EHOSTUNREACH or Errno.EINVAL)
        {
            // EINVAL: the source is no address of this machine.
            return 0;
        }
    }
}
