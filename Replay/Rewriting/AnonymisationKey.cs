using System.Security.Cryptography;
using System.Text;
using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>
/// The secret of an anonymisation: the same key gives every address the same other one, in every capture; nobody without it can tell which.
/// </summary>
public sealed class AnonymisationKey
{
    private const int Rounds = 100_000;

    private AnonymisationKey(byte[] addresses, byte[] macs)
    {
        Addresses = addresses;
        Macs = macs;
    }

    /// <summary>Networks whose addresses stay, besides those that <see cref="AddressAnonymiser"/> always keeps.</summary>
    public IReadOnlyList<IpNetwork> Kept { get; init; } = [];

    /// <summary>32 bytes for IP addresses.</summary>
    internal byte[] Addresses { get; }

    /// <summary>16 bytes for Ethernet addresses.</summary>
    internal byte[] Macs { get; }

    /// <summary>
    /// From a text or any other bytes: stretched with PBKDF2 (HMAC-SHA256, 100,000 rounds, a fixed salt), so that guessing a short one is slow; it is still no better
    /// than it is long.
    /// </summary>
    public static AnonymisationKey From(ReadOnlySpan<byte> secret, IReadOnlyList<IpNetwork>? kept = null)
    {
        byte[] derived = Rfc2898DeriveBytes.Pbkdf2(secret, "interceptor anonymise 1"u8, Rounds, HashAlgorithmName.SHA256, 48);
        return new AnonymisationKey(derived[..32], derived[32..]) { Kept = kept ?? [] };
    }

    /// <inheritdoc cref="From(ReadOnlySpan{byte}, IReadOnlyList{IpNetwork}?)"/>
    public static AnonymisationKey From(string secret, IReadOnlyList<IpNetwork>? kept = null) => From(Encoding.UTF8.GetBytes(secret), kept);
}
