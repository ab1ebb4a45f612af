using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Interceptor.Cli.Input;

/// <summary>A server as people write it: <c>192.0.2.1:80</c>, <c>[2001:db8::1]:80</c>, <c>example.org:80</c>.</summary>
/// <param name="Host">A name or an address, without brackets.</param>
/// <param name="Port">Its port.</param>
internal sealed record ServerAddress(string Host, ushort Port)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    internal static ServerAddress Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? "" : text[..colon];
        bool isBracketed = host.Length > 2 && host[0] == '[' && host[^1] == ']';
        if (isBracketed)
        {
            host = host[1..^1];
        }

        return host.Length > 0 && isBracketed == host.Contains(':')
            && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0
            ? new ServerAddress(host, port)
            : throw new UsageException($"'{text}' is not a server HOST:PORT, as 192.0.2.1:80, [2001:db8::1]:80 or example.org:80.");
    }

    /// <summary>Connects from the calling thread's network namespace, to the first of the host's addresses that answers.</summary>
    /// <exception cref="IOException">There is no such host, or none of its addresses takes the connection within ten seconds.</exception>
    internal Socket Connect(CancellationToken stop)
    {
        IPAddress[] addresses = Resolve();
        SocketException? failure = null;
        foreach (IPAddress address in addresses)
        {
            // Made on this thread, so that it belongs to its namespace.
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(Patience);
            try
            {
                socket.ConnectAsync(new IPEndPoint(address, Port), limit.Token).AsTask().GetAwaiter().GetResult();
                return socket;
            }
            catch (SocketException exception)
            {
                failure = exception;
                socket.Dispose();
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                failure = new SocketException((int)SocketError.TimedOut);
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw Failed(failure!);
    }

    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");

    private IPAddress[] Resolve()
    {
        try
        {
            return IPAddress.TryParse(Host, out IPAddress? address) ? [address] : Dns.GetHostAddresses(Host);
        }
        catch (SocketException exception)
        {
            throw Failed(exception);
        }
    }

    private IOException Failed(SocketException cause) =>
        new($"connect to {this}: {cause.Message}. Nothing was changed: start the server, or name another one.", cause);
}
