using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>One network that becomes another: an address in <paramref name="Old"/> gets the bits of <paramref name="New"/> and keeps those behind them.</summary>
/// <param name="Old">Which addresses.</param>
/// <param name="New">What their first bits become; of the same family.</param>
public readonly record struct AddressMapping(IpNetwork Old, IpNetwork New)
{
    /// <summary>Reads <c>OLD=NEW</c>, each an address or a network.</summary>
    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static AddressMapping Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int middle = text.IndexOf('=', StringComparison.Ordinal);
        if (middle < 0 || !IpNetwork.TryParse(text.AsSpan(0, middle), out IpNetwork old) || !IpNetwork.TryParse(text.AsSpan(middle + 1), out IpNetwork replacement))
        {
            throw new FormatException("write OLD=NEW with addresses or networks, as 10.0.0.0/8=198.51.100.0/24.");
        }

        return old.Address.Version == replacement.Address.Version
            ? new AddressMapping(old, replacement)
            : throw new FormatException("both are to be of one family: IPv4 or IPv6.");
    }
}
