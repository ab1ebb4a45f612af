using System.Buffers.Binary;

namespace Interceptor.Tests.Fuzz;

/// <summary>
/// Makes one input of each number: the same seed, seed files and number give the same bytes, whichever thread asks and in whatever order.
/// </summary>
internal sealed class FuzzMutator(byte[][] seeds, int seed)
{
    private const int LongestInput = 16 * 1024;

    private static readonly uint[] Interesting =
    [
        0, 1, 3, 4, 7, 8, 11, 12, 16, 20, 24, 28, 32, 40, 60, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x40000, 0x40001, 0xFFFFFF, 0x1000000, 0x1000004,
        0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF,
    ];

    internal byte[] Make(long number)
    {
        // The number is spread over all bits first: Random's first values for neighbouring seeds resemble each other.
        ulong mixed = unchecked(((ulong)number + 1) * 0x9E3779B97F4A7C15);
        var random = new Random(HashCode32(mixed ^ (mixed >> 32)) ^ seed);
        List<byte> input = [.. seeds[random.Next(seeds.Length)]];
        int edits = 1 + random.Next(random.Next(4) == 0 ? 24 : 4);
        for (int i = 0; i < edits && input.Count > 0; i++)
        {
            Mutate(input, random);
        }

        return input.Count > LongestInput ? [.. input[..LongestInput]] : [.. input];
    }

    private static int HashCode32(ulong value) => unchecked((int)((value * 0xFF51AFD7ED558CCD) >> 32));

    private void Mutate(List<byte> input, Random random)
    {
        int at = random.Next(input.Count);
        switch (random.Next(10))
        {
            case 0 or 1:
                input[at] ^= (byte)(1 << random.Next(8));
                break;
            case 2:
                input[at] = (byte)random.Next(256);
                break;
            case 3 or 4:
                WriteInteresting(input, at, random);
                break;
            case 5:
                Nudge(input, at, random);
                break;
            case 6:
                Truncate(input, random);
                break;
            case 7:
                Splice(input, at, random);
                break;
            case 8:
                MovePiece(input, at, random);
                break;
            default:
                SwapBlocks(input, random);
                break;
        }
    }

    /// <summary>A length, count or offset that a check may have forgotten, in either byte order, mostly where fields are aligned.</summary>
    private static void WriteInteresting(List<byte> input, int at, Random random)
    {
        Span<byte> field = stackalloc byte[4];
        uint value = Interesting[random.Next(Interesting.Length)];
        int width = random.Next(3) == 0 ? 2 : 4;
        if (random.Next(2) == 0)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(field, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(field, value);
            field = field[(4 - width)..];
        }

        Overwrite(input, random.Next(4) == 0 ? at : at & ~3, field[..width]);
    }

    /// <summary>A length that is off by a little: the two copies of a block's length then contradict each other.</summary>
    private static void Nudge(List<byte> input, int at, Random random)
    {
        at = Math.Min(at & ~3, Math.Max(0, input.Count - 4));
        Span<byte> field = stackalloc byte[4];
        for (int i = 0; i < 4 && at + i < input.Count; i++)
        {
            field[i] = input[at + i];
        }

        uint value = unchecked(BinaryPrimitives.ReadUInt32LittleEndian(field) + (uint)random.Next(-16, 17));
        BinaryPrimitives.WriteUInt32LittleEndian(field, value);
        Overwrite(input, at, field);
    }

    private static void Truncate(List<byte> input, Random random)
    {
        int kept = random.Next(2) == 0 ? random.Next(input.Count) : input.Count - 1 - random.Next(Math.Min(64, input.Count));
        input.RemoveRange(kept, input.Count - kept);
    }

    /// <summary>A piece of any seed, in place of what was there or between it.</summary>
    private void Splice(List<byte> input, int at, Random random)
    {
        byte[] other = seeds[random.Next(seeds.Length)];
        int from = random.Next(other.Length);
        ReadOnlySpan<byte> piece = other.AsSpan(from, Math.Min(other.Length - from, 1 + random.Next(512)));
        if (random.Next(2) == 0)
        {
            Overwrite(input, at & ~3, piece);
        }
        else
        {
            input.InsertRange(at & ~3, piece);
        }
    }

    private static void MovePiece(List<byte> input, int at, Random random)
    {
        int length = Math.Min(input.Count - at, 1 + random.Next(256));
        byte[] piece = [.. input[at..(at + length)]];
        if (random.Next(2) == 0)
        {
            input.RemoveRange(at, length);
        }

        input.InsertRange(random.Next(input.Count + 1), piece);
    }

    /// <summary>Exchanges two pcapng blocks, or doubles or drops one; a file that is no row of blocks stays as it is.</summary>
    private static void SwapBlocks(List<byte> input, Random random)
    {
        List<byte[]> blocks = [];
        byte[] all = [.. input];
        int at = 0;
        while (at + 12 <= all.Length && blocks.Count < 512)
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(all.AsSpan(at + 4));
            length = length > all.Length ? BinaryPrimitives.ReverseEndianness(length) : length;
            if (length < 12 || length > all.Length - at)
            {
                break;
            }

            blocks.Add(all[at..(at + (int)length)]);
            at += (int)length;
        }

        if (blocks.Count < 2)
        {
            return;
        }

        int one = random.Next(blocks.Count);
        int two = random.Next(blocks.Count);
        switch (random.Next(3))
        {
            case 0:
                (blocks[one], blocks[two]) = (blocks[two], blocks[one]);
                break;
            case 1:
                blocks.Insert(two, blocks[one]);
                break;
            default:
                blocks.RemoveAt(one);
                break;
        }

        input.Clear();
        input.AddRange(blocks.SelectMany(block => block));
        input.AddRange(all[at..]);
    }

    private static void Overwrite(List<byte> input, int at, ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length && at + i < input.Count; i++)
        {
            input[at + i] = bytes[i];
        }
    }
}
