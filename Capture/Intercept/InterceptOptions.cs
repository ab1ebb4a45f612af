using Interceptor.Filters;

namespace Interceptor.Capture.Intercept;

/// <summary>What an interception takes and does.</summary>
public sealed record InterceptOptions
{
    /// <summary>Where packets are taken; the same packet is taken at each of these that it passes (on loopback: output and input).</summary>
    public IReadOnlyList<FirewallHook> Hooks { get; init; } = [FirewallHook.Input, FirewallHook.Output];

    /// <summary>Which packets, compiled for raw IP; null takes all.</summary>
    public PacketFilter? Filter { get; init; }

    /// <summary>The queue number, the first of several; null takes free ones.</summary>
    public ushort? QueueNumber { get; init; }

    /// <summary>
    /// Queues, 1 to <see cref="MaxQueues"/>, each with a thread of its own. The kernel spreads packets over them by a hash of the two addresses and the protocol, so that both
    /// directions of a connection, and all connections of two hosts, meet the same one.
    /// </summary>
    public int QueueCount { get; init; } = 1;

    /// <summary>The most queues of one interception.</summary>
    public const int MaxQueues = 64;

    /// <summary>Packets that the kernel lets wait for their verdict in each queue, also those that are delayed; it drops the next ones (or passes them, where the policy is open).</summary>
    public int QueueLength { get; init; } = new InterceptionQueueOptions { Number = 0 }.MaxLength;

    /// <summary>Bytes of packets that wait to be read from each queue; beyond it the kernel drops them (or passes them, where the policy is open).</summary>
    public int ReceiveBufferBytes { get; init; } = new InterceptionQueueOptions { Number = 0 }.ReceiveBufferBytes;

    /// <summary>What is done to them.</summary>
    public ImpairmentOptions Impairments { get; init; } = new();

    /// <summary>What is done to them instead, packet by packet; null for <see cref="Impairments"/>, which else do nothing.</summary>
    public ImpairmentSchedule? Schedule { get; init; }

    /// <summary>End the connection of each TCP segment that was not dropped: it goes no further, and both ends get a reset. A reset itself passes.</summary>
    public bool Reset { get; init; }

    /// <summary>The mark that packets go on with; null leaves theirs. At output a changed mark may reroute them.</summary>
    public uint? Mark { get; init; }

    /// <summary>Holds packets, behind all that is done to them else; of one interception at a time. Null holds none.</summary>
    public HoldQueue? Hold { get; init; }

    /// <summary>What is replaced in what packets carry; at one place the earlier in the list goes first.</summary>
    public IReadOnlyList<Replacement> Replacements { get; init; } = [];

    /// <summary>Header fields that are set in each packet that has them, behind the replacements.</summary>
    public IReadOnlyList<FieldSetting> Settings { get; init; } = [];

    /// <summary>Gets what is decided; stays the caller's, who flushes it at the end. Null for nobody.</summary>
    public ImpairmentScheduleWriter? Record { get; init; }

    /// <summary>True if packets are only looked at.</summary>
    public bool IsLookingOnly => Impairments.IsNone && Schedule is null && !Reset && Mark is null && Hold is null && !Edits;

    private bool Edits => Replacements.Count + Settings.Count > 0;

    /// <summary>True if packets of our own may have to be sent: copies, resets, and what edited connections need.</summary>
    internal bool SendsOwnPackets => Impairments.Duplicate > 0 || Schedule is not null || Reset || Hold is not null || Replacements.Count > 0;

    /// <summary>True if packets may have to wait for their time.</summary>
    internal bool MayDelay => Schedule is not null || Impairments.MayDelay;

    /// <summary>True if super-packets come whole.</summary>
    internal bool TakesSuperPackets => Hold is null && !Edits && (Schedule is { } schedule ? schedule.HasSuperPackets : !Impairments.TakesPacketsApart);

    /// <summary>When we are overloaded or gone; null is open where packets are only looked at, and closed otherwise.</summary>
    public FailurePolicy? OnFailure { get; init; }

    /// <summary>Ends after so many matching packets; null goes on.</summary>
    public long? Count { get; init; }

    /// <summary>Ends after this time; null goes on.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>Which tool makes the rules. Default: the first that works.</summary>
    public FirewallBackend Backend { get; init; } = FirewallBackend.Automatic;
}
