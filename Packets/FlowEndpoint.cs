using System.Globalization;

namespace Interceptor.Packets;

/// <summary>One end of a flow.</summary>
/// <param name="Address">The IP address.</param>
/// <param name="Port">The port in host order; 0 for protocols without ports.</param>
public readonly record struct FlowEndpoint(IpAddress Address, ushort Port)
{
    /// <summary>Characters of the longest text form.</summary>
    public const int MaximumTextLength = IpAddress.MaximumTextLength + 8;

    /// <summary><c>192.0.2.1:80</c> or <c>[2001:db8::1]:80</c>.</summary>
    public override string ToString()
    {
        Span<char> text = stackalloc char[MaximumTextLength];
        TryFormat(text, out int written);
        return new string(text[..written]);
    }

    /// <summary>Writes what <see cref="ToString"/> returns without allocating; false if it did not fit.</summary>
    /// <param name="destination">At least <see cref="MaximumTextLength"/> characters are always enough.</param>
    /// <param name="written">Characters written.</param>
    public bool TryFormat(Span<char> destination, out int written)
    {
        written = 0;
        int bracket = Address.Version == 6 ? 1 : 0;
        if (destination.Length < bracket || !Address.TryFormat(destination[bracket..], out int length))
        {
            return false;
        }

        int end = bracket + length;
        if (!(bracket == 0 ? ":" : "]:").TryCopyTo(destination[end..]))
        {
            return false;
        }

        end += bracket + 1;
        if (!Port.TryFormat(destination[end..], out int digits, default, CultureInfo.InvariantCulture))
        {
            return false;
        }

        if (bracket != 0)
        {
            destination[0] = '[';
        }

        written = end + digits;
        return true;
    }

    /// <summary>Parses what <see cref="ToString"/> writes.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out FlowEndpoint endpoint)
    {
        endpoint = default;
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text[(colon + 1)..], NumberStyles.None, null, out ushort port))
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
