using Interceptor.Capture;
using Interceptor.Capture.Injection;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>What a replay did. While it runs, another thread may look at it; the numbers are then of slightly different instants.</summary>
public sealed class ReplayReport
{
    private readonly List<(LinkType LinkType, long Packets)> _otherLinkTypes = [];
    private readonly Lock _lock = new();

    /// <summary>Packets sent.</summary>
    public long Packets { get; internal set; }

    /// <summary>Bytes sent.</summary>
    public long Bytes { get; internal set; }

    /// <summary>Packets that the target refused.</summary>
    public long Failed { get; internal set; }

    /// <summary>Why, and how many for each reason.</summary>
    public IReadOnlyList<InjectionFailure> Failures { get; internal set; } = [];

    /// <summary>How often a full queue of the device (ENOBUFS) was waited for.</summary>
    public long DeviceQueueWaits { get; internal set; }

    /// <summary>How often a full socket buffer (EAGAIN) was waited for.</summary>
    public long SocketBufferWaits { get; internal set; }

    /// <summary>Packets read that did not match the filter.</summary>
    public long NotMatching { get; internal set; }

    /// <summary>Packets that the edits left out.</summary>
    public long LeftOut { get; internal set; }

    /// <summary>Packets read of a link type that the target does not carry.</summary>
    public long OtherLinkType { get; internal set; }

    /// <summary>Packets read and left out because they were cut when they were captured.</summary>
    public long CutSkipped { get; internal set; }

    /// <summary>Packets sent that the capture holds only in part: what it holds was sent.</summary>
    public long Truncated { get; internal set; }

    /// <summary>Flows among the packets sent, both directions as one; 0 where they were not counted.</summary>
    public long Flows { get; internal set; }

    /// <summary>Packets sent that belong to a flow: TCP, UDP and whatever else has addresses.</summary>
    public long FlowPackets { get; internal set; }

    /// <summary>True if there were more flows than are remembered: then there are at least so many.</summary>
    public bool FlowsAreCapped { get; internal set; }

    /// <summary>Rounds of the capture begun.</summary>
    public long Rounds { get; internal set; }

    /// <summary>What part of all rounds was read, 0 to 1; null where that is not known.</summary>
    public double? Fraction { get; internal set; }

    /// <summary>Nanoseconds from the first packet until the last was handed over, without pauses.</summary>
    public long ElapsedNanoseconds { get; internal set; }

    /// <summary>Nanoseconds in which the replay was paused or the process stopped.</summary>
    public long PausedNanoseconds { get; internal set; }

    /// <summary>How far from its deadline each packet was sent.</summary>
    public TimingErrors Timing { get; } = new();

    /// <summary>How late the last packet was, in nanoseconds: what the whole replay drifted.</summary>
    public long LastErrorNanoseconds { get; internal set; }

    /// <summary>True if it was cancelled before its end.</summary>
    public bool Interrupted { get; internal set; }

    /// <summary>True if whoever gives the steps ended it.</summary>
    public bool StepsEnded { get; internal set; }

    /// <summary>The damage that ended the capture; null for a sound one.</summary>
    public CaptureFileException? Damage { get; internal set; }

    /// <summary>Packets read and not tried.</summary>
    public long Skipped => NotMatching + OtherLinkType + CutSkipped + LeftOut;

    /// <summary>Packets in a second; 0 where no time passed.</summary>
    public double PacketsPerSecond => PerSecond(Packets);

    /// <summary>Flows in a second; 0 where no time passed.</summary>
    public double FlowsPerSecond => PerSecond(Flows);

    /// <summary>Bits in a second; 0 where no time passed.</summary>
    public DataRate DataRate => DataRate.Of(Bytes, ElapsedNanoseconds);

    /// <summary>The link types that the target does not carry, with their packets, in order of appearance.</summary>
    public IReadOnlyList<(LinkType LinkType, long Packets)> OtherLinkTypes
    {
        get
        {
            lock (_lock)
            {
                return [.. _otherLinkTypes];
            }
        }
    }

    internal void Skip(in ReplayRecord record)
    {
        switch (record.Kind)
        {
            case ReplayRecordKind.NotMatching:
                NotMatching += record.Length;
                break;
            case ReplayRecordKind.Cut:
                CutSkipped += record.Length;
                break;
            default:
                OtherLinkType += record.Length;
                CountOther(record.Metadata.LinkType, record.Length);
                break;
        }
    }

    internal void Take(InjectionStatistics statistics)
    {
        Packets = statistics.SentPackets;
        Bytes = statistics.SentBytes;
        Failed = statistics.FailedPackets;
        Failures = statistics.Failures;
        DeviceQueueWaits = statistics.DeviceQueueWaits;
        SocketBufferWaits = statistics.SocketBufferWaits;
    }

    private void CountOther(LinkType linkType, int packets)
    {
        lock (_lock)
        {
            for (int index = 0; index < _otherLinkTypes.Count; index++)
            {
                if (_otherLinkTypes[index].LinkType == linkType)
                {
                    _otherLinkTypes[index] = (linkType, _otherLinkTypes[index].Packets + packets);
                    return;
                }
            }

            _otherLinkTypes.Add((linkType, packets));
        }
    }

    private double PerSecond(long count) => ElapsedNanoseconds <= 0 ? 0 : count * 1e9 / ElapsedNanoseconds;
}
