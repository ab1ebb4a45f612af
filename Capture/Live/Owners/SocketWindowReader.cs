using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// Asks the kernel what the sockets of this machine agreed on, for connections whose handshake nobody saw. Needs no privilege.
/// <para>Threads: one at a time. It belongs to the network namespace of the thread that opens it.</para>
/// </summary>
public sealed class SocketWindowReader : IDisposable
{
    private readonly SocketDiagnostics _diagnostics;

    private SocketWindowReader(SocketDiagnostics diagnostics) => _diagnostics = diagnostics;

    /// <summary>For the calling thread's network namespace.</summary>
    /// <exception cref="LinuxException">The kernel can't be asked.</exception>
    public static SocketWindowReader Open() => new(SocketDiagnostics.Open());

    /// <summary>Asks for one connection: some tens of microseconds.</summary>
    /// <param name="local">The end that has its socket here.</param>
    /// <param name="peer">The other end.</param>
    /// <param name="windows">What they agreed on.</param>
    /// <returns>False where the kernel has no such socket, or does not answer.</returns>
    public bool TryFind(in FlowEndpoint local, in FlowEndpoint peer, out SocketWindows windows)
    {
        SocketWindows? found = null;
        Span<byte> localAddress = stackalloc byte[16];
        Span<byte> peerAddress = stackalloc byte[16];
        local.Address.CopyTo(localAddress);
        peer.Address.CopyTo(peerAddress);
        try
        {
            _diagnostics.TryFind(localAddress[..local.Address.Length], local.Port, peerAddress[..peer.Address.Length], peer.Port,
                (in SocketDiagnosticMessage socket) => found = Read(socket), withInfo: true);
        }
        catch (LinuxException)
        {
            // It stays unknown.
        }

        windows = found ?? default;
        return found is not null;
    }

    /// <inheritdoc/>
    public void Dispose() => _diagnostics.Dispose();

    private static SocketWindows? Read(in SocketDiagnosticMessage socket)
    {
        if (!socket.TryReadInfo(out Libc.tcp_info info) || info.tcpi_snd_mss == 0)
        {
            return null;
        }

        bool scales = (info.tcpi_options & Libc.TCPI_OPT_WSCALE) != 0;
        return new SocketWindows(scales ? info.tcpi_wscale >> 4 : 0, scales ? info.tcpi_wscale & 15 : 0, (int)info.tcpi_snd_mss, (int)info.tcpi_advmss);
    }
}
