using System.Runtime.InteropServices;

namespace Interceptor.Cli.Demo.Peers;

/// <summary>
/// An endless, reproducible stream of bytes: eight at a time, each a mix of the seed and the block's number (splitmix64's finaliser), so that
/// any offset can be made without what is before it. Stateless; any thread.
/// </summary>
internal readonly struct PatternStream(ulong seed)
{
    private const int BlockLength = sizeof(ulong);
    private const ulong Increment = 0x9E3779B97F4A7C15;

    /// <summary>Writes the stream's bytes from <paramref name="offset"/> on.</summary>
    internal void Fill(long offset, Span<byte> destination)
    {
        ulong block = (ulong)offset / BlockLength;
        int skip = (int)((ulong)offset % BlockLength);
        if (skip != 0)
        {
            int head = Math.Min(BlockLength - skip, destination.Length);
            CopyPart(block++, skip, destination[..head]);
            destination = destination[head..];
        }

        Span<ulong> whole = MemoryMarshal.Cast<byte, ulong>(destination);
        for (int i = 0; i < whole.Length; i++)
        {
            whole[i] = Block(block++);
        }

        destination = destination[(whole.Length * BlockLength)..];
        if (!destination.IsEmpty)
        {
            CopyPart(block, 0, destination);
        }
    }

    private void CopyPart(ulong block, int skip, Span<byte> destination)
    {
        ulong value = Block(block);
        MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value)).Slice(skip, destination.Length).CopyTo(destination);
    }

    private ulong Block(ulong number)
    {
        ulong value = seed + (number * Increment);
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
