using System.Numerics;

namespace Interceptor.Tcp;

/// <summary>Finds what sorting would put at one place, without sorting the rest.</summary>
internal static class OrderStatistic
{
    private const int FewEnoughToSort = 16;

    /// <summary>
    /// The value that has <paramref name="rank"/> others before it in order. Moves the values: what is not larger stands before that place then, what is not smaller behind it.
    /// Hoare's FIND (1961) with the median of three as the pivot; where that goes badly what is left is sorted.
    /// </summary>
    /// <param name="values">At least one.</param>
    /// <param name="rank">From 0.</param>
    internal static long Select(Span<long> values, int rank)
    {
        int low = 0;
        int high = values.Length - 1;
        for (int turns = 2 * BitOperations.Log2((uint)values.Length | 1); high - low >= FewEnoughToSort && turns > 0; turns--)
        {
            long pivot = MedianOf(values[low], values[low + ((high - low) / 2)], values[high]);
            int left = low;
            int right = high;
            while (left <= right)
            {
                while (values[left] < pivot)
                {
                    left++;
                }

                while (values[right] > pivot)
                {
                    right--;
                }

                if (left <= right)
                {
                    (values[left], values[right]) = (values[right], values[left]);
                    left++;
                    right--;
                }
            }

            if (rank <= right)
            {
                high = right;
            }
            else if (rank >= left)
            {
                low = left;
            }
            else
            {
                return values[rank];
            }
        }

        values[low..(high + 1)].Sort();
        return values[rank];
    }

    private static long MedianOf(long first, long second, long third) => Math.Max(Math.Min(first, second), Math.Min(Math.Max(first, second), third));
}
