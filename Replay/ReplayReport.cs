using Interceptor.Capture;
using Interceptor.Capture.Injection;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>What a replay did. While it runs, another thread may look at it; the numbers are then of slightly different instants.</summary>
public sealed class ReplayReport
{
    /// <summary>Packets sent.</summary>
    public long Packets { get; internal set; }

    /// <summary>Bytes sent.</summary>
    public long Bytes { get; internal set; }

    /// <summary>Packets that the target refused.</summary>
    public long Failed { get; internal set; }

    /// <summary>Why, and how many for each reason.</summary>
    public IReadOnlyList<InjectionFailure> Failures { get; internal set; } = [];

    /// <summary>Packets read that did not match the filter.</summary>
    public long NotMatching { get; internal set; }

    /// <summary>Packets read of a link type that the target does not carry.</summary>
    public long OtherLinkType { get; internal set; }

    /// <summary>The first such link type; null without one.</summary>
    public LinkType? FirstOtherLinkType { get; internal set; }

    /// <summary>Packets sent that the capture holds only in part: what it holds was sent.</summary>
    public long Truncated { get; internal set; }

    /// <summary>Nanoseconds from the start until the last packet was handed over.</summary>
    public long ElapsedNanoseconds { get; internal set; }

    /// <summary>How far from its deadline each packet was sent.</summary>
    public TimingErrors Timing { get; } = new();

    /// <summary>True if it was cancelled before its end.</summary>
    public bool Interrupted { get; internal set; }

    /// <summary>The damage that ended the capture; null for a sound one.</summary>
    public Capture.CaptureFileException? Damage { get; internal set; }

    /// <summary>Packets read and not tried.</summary>
    public long Skipped => NotMatching + OtherLinkType;

    /// <summary>Packets in a second; 0 where no time passed.</summary>
    public double PacketsPerSecond => ElapsedNanoseconds <= 0 ? 0 : Packets * 1e9 / ElapsedNanoseconds;

    /// <summary>Bits in a second; 0 where no time passed.</summary>
    public DataRate DataRate => DataRate.Of(Bytes, ElapsedNanoseconds);
}
