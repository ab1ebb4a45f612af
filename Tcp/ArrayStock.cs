using System.Numerics;
using System.Runtime.CompilerServices;

namespace Interceptor.Tcp;

/// <summary>
/// Arrays that connections gave back, for those that follow: most connections of a capture need the same few, and new memory costs more than what is done with it.
/// Lengths are powers of two; of each only so many are kept, the rest is the collector's. What is in an array is left from before.
/// <para>Threads: one at a time, its tracker's.</para>
/// </summary>
/// <typeparam name="T">What the arrays hold.</typeparam>
internal sealed class ArrayStock<T>
    where T : unmanaged
{
    private const int LongestKept = 4096;
    private const int BytesOfOneLength = 128 * 1024;

    private readonly Stack<T[]>?[] _byLength = new Stack<T[]>?[BitOperations.Log2(LongestKept) + 1];

    /// <summary>An array of <paramref name="length"/>, a power of two.</summary>
    internal T[] Take(int length)
    {
        int index = BitOperations.Log2((uint)length);
        return index < _byLength.Length && _byLength[index] is { } kept && kept.TryPop(out T[]? array) ? array : new T[length];
    }

    /// <summary>Takes back an array that nobody uses any more; an empty one is no array.</summary>
    internal void Return(T[] array)
    {
        int index = BitOperations.Log2((uint)array.Length);
        if (array.Length is 0 or > LongestKept)
        {
            return;
        }

        Stack<T[]> kept = _byLength[index] ??= new Stack<T[]>();
        if ((kept.Count + 1) * (long)array.Length * Unsafe.SizeOf<T>() <= BytesOfOneLength)
        {
            kept.Push(array);
        }
    }
}
