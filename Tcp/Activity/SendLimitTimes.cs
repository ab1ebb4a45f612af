namespace Interceptor.Tcp.Activity;

/// <summary>How long an end was held back by what, ns. Plain data, copied freely.</summary>
public record struct SendLimitTimes
{
    /// <summary>By nobody knows what.</summary>
    public long Unknown { get; set; }

    /// <summary>By its application.</summary>
    public long Application { get; set; }

    /// <summary>By its congestion control, or by a loss that it repairs.</summary>
    public long Network { get; set; }

    /// <summary>By the peer's window, which was full.</summary>
    public long Receiver { get; set; }

    /// <summary>By the peer's window, which was closed.</summary>
    public long Stalled { get; set; }

    /// <summary>All of them.</summary>
    public readonly long Total => Unknown + Application + Network + Receiver + Stalled;

    /// <summary>The limit that lasted longest, of equal ones the harder; <see cref="SendLimit.Unknown"/> where there is none.</summary>
    public readonly SendLimit Longest
    {
        get
        {
            SendLimit longest = SendLimit.Unknown;
            for (SendLimit limit = SendLimit.Application; limit <= SendLimit.Stalled; limit++)
            {
                longest = Of(limit) > 0 && Of(limit) >= Of(longest) ? limit : longest;
            }

            return longest;
        }
    }

    /// <summary>The time of one limit, ns.</summary>
    public readonly long Of(SendLimit limit) => limit switch
    {
        SendLimit.Application => Application,
        SendLimit.Network => Network,
        SendLimit.Receiver => Receiver,
        SendLimit.Stalled => Stalled,
        _ => Unknown,
    };

    /// <summary>These times with more of one limit.</summary>
    public readonly SendLimitTimes With(SendLimit limit, long nanoseconds) => limit switch
    {
        SendLimit.Application => this with { Application = Application + nanoseconds },
        SendLimit.Network => this with { Network = Network + nanoseconds },
        SendLimit.Receiver => this with { Receiver = Receiver + nanoseconds },
        SendLimit.Stalled => this with { Stalled = Stalled + nanoseconds },
        _ => this with { Unknown = Unknown + nanoseconds },
    };

    /// <summary>What was added since <paramref name="earlier"/>.</summary>
    public readonly SendLimitTimes Since(in SendLimitTimes earlier) => new()
    {
        Unknown = Unknown - earlier.Unknown,
        Application = Application - earlier.Application,
        Network = Network - earlier.Network,
        Receiver = Receiver - earlier.Receiver,
        Stalled = Stalled - earlier.Stalled,
    };
}
