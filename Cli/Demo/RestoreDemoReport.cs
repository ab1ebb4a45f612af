using Interceptor.Packets;

namespace Interceptor.Cli.Demo;

/// <summary>One step of the move, how long it took, and whether the connection stood still meanwhile.</summary>
internal sealed record DemoStep(string Name, double Milliseconds, bool IsFrozen);

/// <summary>Packets of one direction that the lock kept.</summary>
/// <param name="Held">Kept while the connection was frozen.</param>
/// <param name="Reinjected">Let go on their way afterwards.</param>
/// <param name="Dropped">Dropped on purpose: the restored socket sends them anew.</param>
/// <param name="Lost">Lost in the kernel.</param>
internal sealed record DemoHold(int Held, int Reinjected, int Dropped, int Lost);

/// <summary>One direction of the transfer: what its sender says it sent, what its receiver has.</summary>
internal sealed record DemoStream(long SentBytes, string SentSha256, long ReceivedBytes, string ReceivedSha256)
{
    internal static DemoStream None { get; } = new(0, "", 0, "");

    internal bool IsIntact(long bytes) => bytes == SentBytes && bytes == ReceivedBytes && SentSha256 == ReceivedSha256 && SentSha256.Length > 0;
}

/// <summary>Everything that the demo measured.</summary>
internal sealed record RestoreDemoReport
{
    /// <summary>Which act it is.</summary>
    internal int Act { get; init; } = 1;

    /// <summary>When the connection stood still; null if it was not reached.</summary>
    internal CaptureTimestamp? FrozenAt { get; init; }

    /// <summary>Bytes that each direction should have.</summary>
    internal required long Bytes { get; init; }

    /// <summary>Client to server.</summary>
    internal DemoStream Upload { get; init; } = DemoStream.None;

    /// <summary>Server to client.</summary>
    internal DemoStream Download { get; init; } = DemoStream.None;

    /// <summary>The move's steps in order; empty if it was not reached.</summary>
    internal IReadOnlyList<DemoStep> Steps { get; init; } = [];

    /// <summary>From the moment when the connection stood still until it went on.</summary>
    internal double FreezeMilliseconds { get; init; }

    /// <summary>Packets to the server.</summary>
    internal DemoHold Incoming { get; init; } = new(0, 0, 0, 0);

    /// <summary>Packets of the server.</summary>
    internal DemoHold Outgoing { get; init; } = new(0, 0, 0, 0);

    /// <summary>Bytes of the session image on disk.</summary>
    internal long ImageBytes { get; init; }

    /// <summary>Bytes of the upload that the old server had read, and of the download that it had written: where the new one went on.</summary>
    internal (long Read, long Written) Offsets { get; init; }

    /// <summary>Bytes that were in the socket's queues and moved with it: received and unread, sent and unacknowledged, unsent.</summary>
    internal (long Unread, long InFlight, long Unsent) Queues { get; init; }

    /// <summary>RST segments that an observer saw on the link at any time, or, if more, what the kernels counted.</summary>
    internal long ResetsSeen { get; init; }

    /// <summary>FIN segments that the observer saw while the connection was frozen.</summary>
    internal long FinsSeenWhileFrozen { get; init; }

    /// <summary>Segments that both kernels sent again, from the move to the end.</summary>
    internal long RetransmittedSegments { get; init; }

    /// <summary>Why it was not carried through; null if it was.</summary>
    internal string? Error { get; init; }

    /// <summary>Every byte of both directions arrived, once and in order.</summary>
    internal bool Intact => Error is null && Upload.IsIntact(Bytes) && Download.IsIntact(Bytes);

    /// <summary>Intact, and nobody was told that the connection broke.</summary>
    internal bool Succeeded => Intact && ResetsSeen == 0 && FinsSeenWhileFrozen == 0;

    /// <summary>What each end knows of both directions, as one value: the two are equal exactly if both directions are.</summary>
    internal string ClientSha256 => Combined(Upload.SentSha256, Download.ReceivedSha256);

    /// <inheritdoc cref="ClientSha256"/>
    internal string ServerSha256 => Combined(Upload.ReceivedSha256, Download.SentSha256);

    private static string Combined(string upload, string download) => upload.Length == 0 || download.Length == 0
        ? ""
        : Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData([.. Convert.FromHexString(upload), .. Convert.FromHexString(download)]));
}
