namespace Interceptor.Capture.Intercept;

/// <summary>Why a packet is held no longer.</summary>
public enum HoldReason
{
    /// <summary>Somebody said so.</summary>
    Command,

    /// <summary>There were too many: <see cref="HoldLimits.MaxPackets"/>.</summary>
    Packets,

    /// <summary>They were too large together: <see cref="HoldLimits.MaxBytes"/>.</summary>
    Bytes,

    /// <summary>It was held for too long: <see cref="HoldLimits.MaxAge"/>.</summary>
    Age,

    /// <summary>The time was over: <see cref="HoldOptions.For"/>.</summary>
    Time,

    /// <summary>The packet that was waited for came: <see cref="HoldOptions.Until"/>.</summary>
    Until,

    /// <summary>It is a copy of one that stays held, or a later one covers it.</summary>
    Copy,

    /// <summary>The interception ended.</summary>
    End,
}
