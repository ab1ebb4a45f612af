namespace Interceptor.Capture.Intercept;

/// <summary>One line of /proc/net/netfilter/nfnetlink_queue.</summary>
/// <param name="Number">The queue.</param>
/// <param name="PortId">The netlink socket that owns it.</param>
/// <param name="Waiting">Packets that wait for a verdict.</param>
/// <param name="CopyRange">Bytes copied.</param>
/// <param name="QueueDropped">Dropped because the queue was full.</param>
/// <param name="UserDropped">Dropped because the receive buffer was full.</param>
/// <param name="LastId">The id of the newest packet.</param>
public readonly record struct KernelQueueCounters(
    ushort Number, uint PortId, long Waiting, int CopyRange, long QueueDropped, long UserDropped, uint LastId)
{
    /// <summary>
    /// Finds a queue in the text of the file: queue, port id, waiting, copy mode, copy range, queue_dropped, user_dropped, id sequence, 1
    /// (net/netfilter/nfnetlink_queue.c, seq_show). False where it is not listed.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, ushort number, out KernelQueueCounters counters)
    {
        counters = default;
        Span<long> values = stackalloc long[8];
        foreach (ReadOnlySpan<char> line in text.EnumerateLines())
        {
            if (TryNumbers(line, values) && values[0] == number)
            {
                counters = new(number, (uint)values[1], values[2], (int)values[4], values[5], values[6], (uint)values[7]);
                return true;
            }
        }

        return false;
    }

    private static bool TryNumbers(ReadOnlySpan<char> line, Span<long> values)
    {
        int count = 0;
        foreach (Range range in line.Split(' '))
        {
            ReadOnlySpan<char> word = line[range];
            if (word.IsEmpty)
            {
                continue;
            }

            if (count == values.Length)
            {
                break;
            }

            if (!long.TryParse(word, System.Globalization.NumberStyles.AllowLeadingSign, null, out values[count++]))
            {
                return false;
            }
        }

        return count == values.Length;
    }
}
