namespace Interceptor.Cli.Input;

/// <summary>What <c>--max-memory</c> leaves for what: the limit is the process's, so the run-time's own share comes off first, and half of the rest is the collector's slack.</summary>
/// <param name="TrackerBytes">For the connections and their queues, as the tracker counts them.</param>
/// <param name="LogBytes">For packed reports of finished connections.</param>
/// <param name="HeapBytes">For the heap, with what was let go and is not collected yet.</param>
internal readonly record struct MemoryBudget(long TrackerBytes, int LogBytes, long HeapBytes)
{
    private const long Mebi = 1024 * 1024;
    private const long Default = 512 * Mebi;
    private const long Smallest = 128 * Mebi;

    // The run-time, the program's code, the buffers of reading and writing, and the collector's youngest generation.
    private const long Fixed = 72 * Mebi;

    // Large arrays besides the log of finished connections: the index of the connections.
    private const long LargeTables = 8 * Mebi;

    internal static MemoryBudget Parse(string? text)
    {
        long limit = text is null ? Default : Quantity.Size(text);
        if (limit < Smallest)
        {
            throw new UsageException($"--max-memory: '{text}' is too little: give at least {Smallest / Mebi}MiB, of which the program itself takes {Fixed / Mebi}.");
        }

        long log = Math.Min((limit - Fixed) / 8, 8 * Mebi);
        return new MemoryBudget((limit - Fixed - log) / 2, (int)log, limit - Fixed);
    }

    /// <summary>Bytes of forgotten connections after which the heap is looked at: left to itself the collector lets it grow to several times what lives.</summary>
    internal long BytesBetweenLooks => TrackerBytes / 4;

    /// <summary>
    /// Lets the heap take two fifths of its room before the first collection: the connections of most captures fit in there, and to mark and move them on the way
    /// costs as much as following their packets. From then on the collector does as it likes.
    /// </summary>
    internal void PostponeCollection()
    {
        // A quarter of what the collector may have at all, where a container's limit is less than ours.
        long bytes = Math.Min(Math.Min(HeapBytes, Default - Fixed) / 5 * 2, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);
        long large = LogBytes + LargeTables;
        if (bytes > 2 * large)
        {
            GC.TryStartNoGCRegion(bytes, large);
        }
    }

    private long MostBytes => HeapBytes - (2 * BytesBetweenLooks);

    /// <summary>Asks the collector if the heap may outgrow its room till the next look; else not, for a collection costs as much as a hundred thousand packets.</summary>
    internal void CollectIfNeeded() => Collect(MostBytes);

    /// <summary>
    /// Besides, collects once the heap has had two fifths of its room, and then when it has twice what lived: left to itself the collector lets it grow with the capture.
    /// </summary>
    /// <param name="living">Bytes that lived after the last collection; 0 before the first.</param>
    /// <returns>The same, after a collection anew.</returns>
    internal long CollectIfGrown(long living) =>
        Collect(Math.Min(MostBytes, Math.Max(HeapBytes / 5 * 2, 2 * living))) ? GC.GetTotalMemory(forceFullCollection: false) : living;

    private static bool Collect(long above)
    {
        if (GC.GetTotalMemory(forceFullCollection: false) <= above)
        {
            return false;
        }

        GC.Collect();
        return true;
    }
}
