using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Interceptor.Packets;

namespace Interceptor.Cli.Input;

/// <summary>A host with or without a port, as people write it: <c>192.0.2.1</c>, <c>192.0.2.1:80</c>, <c>[2001:db8::1]:80</c>, <c>2001:db8::1</c>, <c>example.org:80</c>.</summary>
/// <param name="Host">A name or an address, without brackets; null where only a port was given.</param>
/// <param name="Port">The port; null for none.</param>
internal sealed record HostAndPort(string? Host, ushort? Port)
{
    /// <param name="text">What was typed.</param>
    /// <param name="mayBePort">A bare number is a port.</param>
    internal static HostAndPort Parse(string text, bool mayBePort = false)
    {
        if (mayBePort && TryPort(text) is { } only)
        {
            return new HostAndPort(null, only);
        }

        int close = text.StartsWith('[') ? text.IndexOf(']') : -1;
        int colon = close >= 0 ? (close + 1 < text.Length ? close + 1 : -1) : text.IndexOf(':') == text.LastIndexOf(':') ? text.IndexOf(':') : -1;
        string host = close >= 0 ? text[1..close] : colon < 0 ? text : text[..colon];
        ushort? port = colon < 0 ? null : text[colon] == ':' ? TryPort(text[(colon + 1)..]) : null;
        return host.Length > 0 && (colon < 0 || port is not null) && (close >= 0 || colon < 0 || !host.Contains(':'))
            ? new HostAndPort(host, port)
            : throw new UsageException($"'{text}' is not HOST or HOST:PORT, as 192.0.2.1, 192.0.2.1:80, [2001:db8::1]:80 or example.org:80.");
    }

    /// <summary>The host's first address, of the preferred family where it has one of it; null where only a port was given.</summary>
    /// <param name="prefersIpv4">The family that is preferred for a name.</param>
    /// <exception cref="IOException">There is no such host.</exception>
    internal IpAddress? Resolve(bool prefersIpv4)
    {
        if (Host is null)
        {
            return null;
        }

        try
        {
            AddressFamily family = prefersIpv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
            IPAddress address = IPAddress.TryParse(Host, out IPAddress? literal) ? literal : Dns.GetHostAddresses(Host).OrderBy(it => it.AddressFamily == family ? 0 : 1).First();
            return IpAddress.FromBytes(address.GetAddressBytes());
        }
        catch (SocketException exception)
        {
            throw new IOException($"{Host}: {exception.Message}. Name a host that can be resolved, or its address.", exception);
        }
    }

    private static ushort? TryPort(string text) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0 ? port : null;
}
