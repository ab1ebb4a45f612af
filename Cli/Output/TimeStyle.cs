namespace Interceptor.Cli.Output;

/// <summary>How the time in front of a packet is printed; the values are how often tcpdump's <c>-t</c> is given.</summary>
internal enum TimeStyle
{
    /// <summary>The time of day.</summary>
    TimeOfDay = 0,

    /// <summary>No time.</summary>
    None = 1,

    /// <summary>Seconds since the epoch.</summary>
    Epoch = 2,

    /// <summary>The time since the packet printed before.</summary>
    SincePrevious = 3,

    /// <summary>Date and time of day.</summary>
    DateAndTime = 4,

    /// <summary>The time since the first packet printed.</summary>
    SinceFirst = 5,
}
