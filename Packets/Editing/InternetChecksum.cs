using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Interceptor.Packets;

/// <summary>
/// The Internet checksum (RFC 1071), whole and incremental (RFC 1624). A sum is the folded one's complement sum of big-endian 16-bit words, in host order;
/// a checksum is its complement, as it stands in the header. An odd last byte is padded with zero, so only the last part of what is summed may be odd.
/// </summary>
public static class InternetChecksum
{
    /// <summary>The checksum of <paramref name="data"/>, whose checksum field must be zero, or 0 if the field is in place and right.</summary>
    public static ushort Compute(ReadOnlySpan<byte> data) => Finish(Sum(data));

    /// <summary>The folded sum of <paramref name="data"/>.</summary>
    public static ushort Sum(ReadOnlySpan<byte> data)
    {
        // The sum does not depend on byte order until the end (RFC 1071, 2B), so words are added as the machine reads them.
        ulong sum = 0;
        if (Vector.IsHardwareAccelerated && data.Length >= 4 * Vector<byte>.Count)
        {
            ReadOnlySpan<Vector<uint>> vectors = MemoryMarshal.Cast<byte, Vector<uint>>(data);
            sum = SumVectors(vectors);
            data = data[(vectors.Length * Vector<byte>.Count)..];
        }

        while (data.Length >= sizeof(uint))
        {
            sum += MemoryMarshal.Read<uint>(data);
            data = data[sizeof(uint)..];
        }

        if (data.Length >= sizeof(ushort))
        {
            sum += MemoryMarshal.Read<ushort>(data);
            data = data[sizeof(ushort)..];
        }

        if (!data.IsEmpty)
        {
            sum += BitConverter.IsLittleEndian ? data[0] : (uint)data[0] << 8;
        }

        ushort folded = Fold(sum);
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(folded) : folded;
    }

    /// <summary>The sum of two sums.</summary>
    public static ushort Add(ushort left, ushort right) => Fold((ulong)left + right);

    /// <summary>The checksum that goes with a sum.</summary>
    public static ushort Finish(ushort sum) => (ushort)~sum;

    /// <summary>The sum of the pseudo header of TCP, UDP and ICMPv6 (RFC 9293, 3.1; RFC 8200, 8.1).</summary>
    /// <param name="source">Source address.</param>
    /// <param name="destination">Final destination address, of the same family.</param>
    /// <param name="protocol">Protocol of the upper header.</param>
    /// <param name="length">Bytes of upper header and payload.</param>
    public static ushort PseudoHeaderSum(in IpAddress source, in IpAddress destination, byte protocol, int length)
    {
        Span<byte> addresses = stackalloc byte[32];
        source.CopyTo(addresses);
        destination.CopyTo(addresses[source.Length..]);
        return PseudoHeaderSum(addresses[..(source.Length + destination.Length)], protocol, length);
    }

    /// <summary>The same from the addresses as they stand side by side in an IP header.</summary>
    public static ushort PseudoHeaderSum(ReadOnlySpan<byte> addresses, byte protocol, int length) =>
        Fold((ulong)Sum(addresses) + protocol + ((uint)length >> 16) + ((uint)length & 0xFFFF));

    /// <summary>
    /// The checksum after one 16-bit word of what it covers changed (RFC 1624, equation 3). A checksum that was wrong stays wrong by as much.
    /// Gives what <see cref="Compute"/> would for anything not all zero, which no packet with an IP or pseudo header is.
    /// </summary>
    public static ushort Update(ushort checksum, ushort oldWord, ushort newWord) =>
        (ushort)~Fold((ulong)(ushort)~checksum + (ushort)~oldWord + newWord);

    /// <summary>The same for a 32-bit field on an even offset.</summary>
    public static ushort Update(ushort checksum, uint oldValue, uint newValue) =>
        (ushort)~Fold((ulong)(ushort)~checksum + ~oldValue + newValue);

    /// <summary>The same for a range on an even offset whose bytes changed but not its length.</summary>
    public static ushort Update(ushort checksum, ReadOnlySpan<byte> oldBytes, ReadOnlySpan<byte> newBytes) =>
        (ushort)~Fold((ulong)(ushort)~checksum + (ushort)~Sum(oldBytes) + Sum(newBytes));

    /// <summary>A computed UDP checksum as it is sent: zero would mean none, so its other form stands for it (RFC 768).</summary>
    public static ushort ToUdp(ushort checksum) => checksum == 0 ? (ushort)0xFFFF : checksum;

    /// <summary>
    /// <see cref="Update(ushort, ReadOnlySpan{byte}, ReadOnlySpan{byte})"/> for UDP: a datagram sent without a checksum stays without.
    /// </summary>
    public static ushort UpdateUdp(ushort checksum, ReadOnlySpan<byte> oldBytes, ReadOnlySpan<byte> newBytes) =>
        checksum == 0 ? (ushort)0 : ToUdp(Update(checksum, oldBytes, newBytes));

    private static ulong SumVectors(ReadOnlySpan<Vector<uint>> vectors)
    {
        // 32-bit words in 64-bit lanes: no lane overflows below 2^32 vectors.
        Vector<ulong> sum = Vector<ulong>.Zero;
        foreach (Vector<uint> words in vectors)
        {
            Vector.Widen(words, out Vector<ulong> low, out Vector<ulong> high);
            sum += low + high;
        }

        ulong total = 0;
        for (int i = 0; i < Vector<ulong>.Count; i++)
        {
            total += (sum[i] >> 32) + (uint)sum[i];
        }

        return total;
    }

    private static ushort Fold(ulong sum)
    {
        sum = (sum >> 32) + (uint)sum;
        sum = (sum >> 32) + (uint)sum;
        sum = (sum >> 16) + (ushort)sum;
        sum = (sum >> 16) + (ushort)sum;
        return (ushort)((sum >> 16) + (ushort)sum);
    }
}
