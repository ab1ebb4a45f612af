using Interceptor.Capture;

namespace Interceptor.Replay;

/// <summary>A capture in memory, judged and ready to be sent. Immutable; any thread.</summary>
public sealed class PreloadedCapture
{
    private PreloadedCapture(IReadOnlyList<ReplayBlock> blocks, bool flowsAreCapped)
    {
        Blocks = blocks;
        FlowsAreCapped = flowsAreCapped;
        foreach (ReplayBlock block in blocks)
        {
            Bytes += block.Length;
            for (int index = 0; index < block.Count; index++)
            {
                Packets += block[index].Kind == ReplayRecordKind.Packet ? 1 : 0;
            }
        }
    }

    /// <summary>Packets that will be sent in one round.</summary>
    public long Packets { get; }

    /// <summary>Their bytes.</summary>
    public long Bytes { get; }

    internal IReadOnlyList<ReplayBlock> Blocks { get; }

    internal bool FlowsAreCapped { get; }

    /// <summary>Reads a capture to its end. Damage inside it is kept, and reported where the replay comes to it.</summary>
    /// <param name="open">Opens the capture; called once.</param>
    /// <param name="options">What of it is sent.</param>
    /// <param name="maximumBytes">Memory that it may take.</param>
    /// <param name="cancellation">Ends the reading between two blocks.</param>
    /// <exception cref="CaptureFileException">It can't be opened.</exception>
    /// <exception cref="InsufficientMemoryException">It takes more than that.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static PreloadedCapture Load(Func<IPacketSource> open, ReplayOptions options, long maximumBytes, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(open);
        ArgumentNullException.ThrowIfNull(options);
        var blocks = new List<ReplayBlock>();
        long memory = 0;
        using var intake = new ReplayIntake(open, options, rounds: 1);
        intake.Exchange = (filled, isFull) =>
        {
            cancellation.ThrowIfCancellationRequested();

            if (!isFull)
            {
                return filled;
            }

            memory += filled.Footprint;
            if (memory > maximumBytes)
            {
                throw new InsufficientMemoryException($"the capture takes more than {maximumBytes} bytes of memory");
            }

            blocks.Add(filled);
            return new ReplayBlock();
        };
        ReplayBlock? block = new();
        while (intake.Fill(ref block))
        {
            // Until the end.
        }

        if (block is { Failure: { } failure } && (failure is InsufficientMemoryException or OperationCanceledException || (block.Count == 0 && blocks.Count == 0)))
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }

        cancellation.ThrowIfCancellationRequested();
        blocks.Add(block!);
        return new PreloadedCapture(blocks, intake.FlowsAreCapped);
    }
}
