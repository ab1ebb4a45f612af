using System.Numerics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Interceptor.Packets;

/// <summary>The directed 5-tuple of a packet.</summary>
/// <param name="Source">Who sent it.</param>
/// <param name="Destination">Who it is for.</param>
/// <param name="Protocol">The IP protocol number.</param>
public readonly record struct FlowKey(FlowEndpoint Source, FlowEndpoint Destination, byte Protocol)
{
    /// <summary>The same flow seen from the other end.</summary>
    public FlowKey Reversed => new(Destination, Source, Protocol);

    /// <summary>
    /// The same value for both directions: the end with the smaller address (then port) is the source.
    /// <paramref name="swapped"/> tells that this key had them the other way round.
    /// </summary>
    public FlowKey Canonical(out bool swapped)
    {
        int order = Source.Address.Bits.CompareTo(Destination.Address.Bits);
        swapped = order > 0 || (order == 0 && Source.Port > Destination.Port);
        return swapped ? Reversed : this;
    }

    /// <summary>A hash that is the same for both directions; keyed like <see cref="GetHashCode"/>.</summary>
    public int GetSymmetricHash() => Finish(Hash(Source.Address.Bits, Source.Port) + Hash(Destination.Address.Bits, Destination.Port));

    /// <summary>Keyed with a secret of this process: nobody can craft flows that meet in one place of a table.</summary>
    public override int GetHashCode() =>
        Finish(Hash(Source.Address.Bits, Source.Port) + BitOperations.RotateLeft(Hash(Destination.Address.Bits, Destination.Port), 17) + Protocol);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Hash(UInt128 address, ushort port) =>
        Multiply(Multiply((ulong)address ^ Secrets.First, (ulong)(address >> 64) ^ Secrets.Second) ^ port, Secrets.Third);

    private static int Finish(ulong sum) => (int)(Multiply(sum, Secrets.Fourth) >> 32);

    // Both halves of the product folded: each bit of the result depends on all bits of both factors.
    private static ulong Multiply(ulong left, ulong right)
    {
        ulong high = Math.BigMul(left, right, out ulong low);
        return high ^ low;
    }

    /// <summary><c>192.0.2.1:49152 > 192.0.2.2:80</c>.</summary>
    public override string ToString() => $"{Source} > {Destination}";

    /// <summary>Odd, so that no factor is 0; drawn once.</summary>
    private static class Secrets
    {
        internal static readonly ulong First = Draw();
        internal static readonly ulong Second = Draw();
        internal static readonly ulong Third = Draw();
        internal static readonly ulong Fourth = Draw();

        private static ulong Draw()
        {
            Span<byte> bytes = stackalloc byte[sizeof(ulong)];
            RandomNumberGenerator.Fill(bytes);
            return BitConverter.ToUInt64(bytes) | 1;
        }
    }
}
