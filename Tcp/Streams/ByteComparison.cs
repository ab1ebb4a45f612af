namespace Interceptor.Tcp.Streams;

/// <summary>Compares copies of the same part of a stream.</summary>
internal static class ByteComparison
{
    /// <summary>How many bytes differ; both have the same length. Equal copies, the usual ones, cost one vectorised comparison.</summary>
    internal static long CountDifferent(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        int index = left.CommonPrefixLength(right);
        long count = 0;
        for (; index < left.Length; index++)
        {
            count += left[index] == right[index] ? 0 : 1;
        }

        return count;
    }
}
