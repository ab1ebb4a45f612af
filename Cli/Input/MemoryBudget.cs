namespace Interceptor.Cli.Input;

/// <summary>What <c>--max-memory</c> leaves for what: the limit is the process's, so the run-time's own share and the collector's slack come off first.</summary>
/// <param name="TrackerBytes">For the connections and their queues, as the tracker counts them.</param>
/// <param name="LogBytes">For packed reports of finished connections.</param>
internal readonly record struct MemoryBudget(long TrackerBytes, int LogBytes)
{
    private const long Mebi = 1024 * 1024;
    private const long Default = 512 * Mebi;
    private const long Smallest = 64 * Mebi;

    // The run-time, the program's code and the buffers of reading and writing.
    private const long Fixed = 48 * Mebi;

    internal static MemoryBudget Parse(string? text)
    {
        long limit = text is null ? Default : Quantity.Size(text);
        if (limit < Smallest)
        {
            throw new UsageException($"--max-memory: '{text}' is too little: give at least {Smallest / Mebi}MiB, of which the program itself takes {Fixed / Mebi}.");
        }

        long log = Math.Min((limit - Fixed) / 8, 16 * Mebi);
        return new MemoryBudget((limit - Fixed - log) * 3 / 4, (int)log);
    }
}
