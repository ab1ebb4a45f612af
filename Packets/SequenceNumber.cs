using System.Globalization;
using System.Runtime.CompilerServices;

namespace Interceptor.Packets;

/// <summary>
/// A TCP sequence number: 32 bits, modulo 2^32 (RFC 9293, 3.4). There is no total order, so it is not comparable;
/// the relations are those of the circle and hold for numbers less than 2^31 apart.
/// </summary>
/// <param name="Value">The number as it stands in the header, in host order.</param>
public readonly record struct SequenceNumber(uint Value)
{
    /// <summary>The number <paramref name="length"/> positions after <paramref name="number"/>; wraps, never throws.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SequenceNumber operator +(SequenceNumber number, int length) => new(unchecked(number.Value + (uint)length));

    /// <summary>The number <paramref name="length"/> positions before <paramref name="number"/>; wraps, never throws.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SequenceNumber operator -(SequenceNumber number, int length) => new(unchecked(number.Value - (uint)length));

    /// <summary>The signed distance from <paramref name="right"/> to <paramref name="left"/>: positive if left is after right.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int operator -(SequenceNumber left, SequenceNumber right) => unchecked((int)(left.Value - right.Value));

    /// <summary>True if <paramref name="left"/> is before <paramref name="right"/> on the circle.</summary>
    public static bool operator <(SequenceNumber left, SequenceNumber right) => left - right < 0;

    /// <summary>True if <paramref name="left"/> is after <paramref name="right"/> on the circle.</summary>
    public static bool operator >(SequenceNumber left, SequenceNumber right) => left - right > 0;

    /// <summary>True if <paramref name="left"/> is not after <paramref name="right"/>.</summary>
    public static bool operator <=(SequenceNumber left, SequenceNumber right) => left - right <= 0;

    /// <summary>True if <paramref name="left"/> is not before <paramref name="right"/>.</summary>
    public static bool operator >=(SequenceNumber left, SequenceNumber right) => left - right >= 0;

    /// <summary>The later of the two on the circle.</summary>
    public static SequenceNumber Max(SequenceNumber left, SequenceNumber right) => left >= right ? left : right;

    /// <summary>The earlier of the two on the circle.</summary>
    public static SequenceNumber Min(SequenceNumber left, SequenceNumber right) => left <= right ? left : right;

    /// <summary>True if this number lies in [<paramref name="start"/>, <paramref name="start"/> + <paramref name="length"/>).</summary>
    public bool IsWithin(SequenceNumber start, uint length) => unchecked(Value - start.Value) < length;

    /// <summary>
    /// The 64-bit stream offset nearest to <paramref name="reference"/> whose low 32 bits are this number's distance
    /// from <paramref name="origin"/>: undoes the wrap for streams longer than 4 GiB.
    /// </summary>
    public long Unwrap(SequenceNumber origin, long reference) =>
        reference + unchecked((int)(Value - origin.Value - (uint)reference));

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
