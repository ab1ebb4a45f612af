using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Interceptor.Cli.Output;

/// <summary>
/// A struct without references in few bytes: most of its 64-bit words are zero or small. Half a byte for each word says how many bytes follow for it. Only for
/// this process: the layout is the run-time's.
/// </summary>
internal static class PackedReport<T>
    where T : unmanaged
{
    private static readonly int Words = (Unsafe.SizeOf<T>() + sizeof(ulong) - 1) / sizeof(ulong);

    /// <summary>Room that any value fits in, with what is written beyond its end and overwritten.</summary>
    internal static int MaximumLength => LengthsLength + ((Words + 1) * sizeof(ulong));

    private static int LengthsLength => (Words + 1) / 2;

    /// <summary>Packs a value; returns the bytes used. <paramref name="destination"/> has room for <see cref="MaximumLength"/>.</summary>
    internal static int Pack(in T value, Span<byte> destination)
    {
        Span<ulong> words = stackalloc ulong[Words];
        words.Clear();
        MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).CopyTo(MemoryMarshal.AsBytes(words));
        destination[..LengthsLength].Clear();
        int written = LengthsLength;
        for (int i = 0; i < words.Length; i++)
        {
            int length = (71 - (int)ulong.LeadingZeroCount(words[i])) / 8;
            destination[i / 2] |= (byte)(length << ((i & 1) * 4));
            MemoryMarshal.Write(destination[written..], words[i]);
            written += length;
        }

        return written;
    }

    /// <summary>Unpacks what <see cref="Pack"/> wrote.</summary>
    internal static T Unpack(ReadOnlySpan<byte> packed)
    {
        Span<ulong> words = stackalloc ulong[Words];
        words.Clear();
        Span<byte> bytes = MemoryMarshal.AsBytes(words);
        int read = LengthsLength;
        for (int i = 0; i < words.Length; i++)
        {
            int length = (packed[i / 2] >> ((i & 1) * 4)) & 0xF;
            packed.Slice(read, length).CopyTo(bytes[(i * sizeof(ulong))..]);
            read += length;
        }

        return MemoryMarshal.Read<T>(bytes);
    }
}
