namespace Interceptor.Capture.Live;

/// <summary>Why a file of a recording ended.</summary>
public enum RotationReason
{
    /// <summary>The recording ended.</summary>
    End,

    /// <summary>The file was full.</summary>
    Size,

    /// <summary>It had its number of packets.</summary>
    Packets,

    /// <summary>It had been open for its time.</summary>
    Duration,

    /// <summary>The clock came to a boundary.</summary>
    Clock,

    /// <summary>Somebody asked for it.</summary>
    Request,
}
