using Interceptor.Packets;

namespace Interceptor.Cli.Output;

/// <summary>How <see cref="PacketPrinter"/> prints.</summary>
internal sealed record PacketPrintFormat
{
    /// <summary>The packet itself.</summary>
    internal PacketFormatOptions Packet { get; init; } = PacketFormatOptions.Default;

    /// <summary>The time in front.</summary>
    internal TimeStyle Time { get; init; }

    /// <summary>Nanoseconds in the time, not microseconds.</summary>
    internal bool Nanoseconds { get; init; }

    /// <summary>The packet's number in front.</summary>
    internal bool Numbered { get; init; }
}
