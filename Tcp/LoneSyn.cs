using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>
/// A connection of which nothing but one SYN was seen: what is needed to begin it when more comes, in a tenth of the room. A flood of SYNs is
/// nothing else.
/// </summary>
internal struct LoneSyn
{
    internal FlowEndpoint Source;
    internal FlowEndpoint Destination;
    internal CaptureTimestamp At;
    internal long Number;
    internal TcpOptionSummary Options;
    internal SequenceNumber Sequence;
    internal SequenceNumber Acknowledgment;
    internal TcpFlags Flags;
    internal ushort WindowField;
    internal int Id;
    internal int Older;
    internal int Newer;

    internal readonly TcpSegment Segment => new()
    {
        Sequence = Sequence,
        Acknowledgment = Acknowledgment,
        Flags = Flags,
        WindowField = WindowField,
        Options = Options,
    };

    internal readonly bool Joins(in FlowKey flow) =>
        (Source == flow.Source && Destination == flow.Destination) || (Source == flow.Destination && Destination == flow.Source);

    /// <summary>True for a segment that a <see cref="LoneSyn"/> holds completely.</summary>
    internal static bool Holds(in TcpSegment segment) =>
        segment.Syn && !segment.Ack && segment.SequenceLength == 1 && !segment.Rst && segment.SackBlockCount == 0;
}
