namespace Interceptor.Packets;

/// <summary>One end of a flow.</summary>
/// <param name="Address">The IP address.</param>
/// <param name="Port">The port in host order; 0 for protocols without ports.</param>
public readonly record struct FlowEndpoint(IpAddress Address, ushort Port)
{
    /// <summary><c>192.0.2.1:80</c> or <c>[2001:db8::1]:80</c>.</summary>
    public override string ToString() => Address.Version == 6 ? $"[{Address}]:{Port}" : $"{Address}:{Port}";

    /// <summary>Parses what <see cref="ToString"/> writes.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out FlowEndpoint endpoint)
    {
        endpoint = default;
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text[(colon + 1)..], System.Globalization.NumberStyles.None, null, out ushort port))
        {
            return false;
        }

        ReadOnlySpan<char> host = text[..colon];
        if (host[0] == '[')
        {
            if (host[^1] != ']')
            {
                return false;
            }

            host = host[1..^1];
        }
        else if (host.Contains(':'))
        {
            return false;
        }

        if (!IpAddress.TryParse(host, out IpAddress address))
        {
            return false;
        }

        endpoint = new FlowEndpoint(address, port);
        return true;
    }
}
