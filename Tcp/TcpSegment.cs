using System.Runtime.CompilerServices;
using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>
/// One TCP segment as the model takes it: the header's fields in host order, the options that matter, and the payload that was captured.
/// Borrows the payload; valid as long as the packet it came from.
/// </summary>
public readonly ref struct TcpSegment
{
    /// <summary>SACK blocks that fit into the 40 bytes of TCP options.</summary>
    public const int MaximumSackBlocks = 4;

    private readonly TcpOptionSummary _options;

    private TcpSegment(scoped in TcpView tcp, int length, ReadOnlySpan<byte> payload)
    {
        Sequence = tcp.Sequence;
        Acknowledgment = tcp.Acknowledgment;
        Flags = tcp.Flags;
        WindowField = tcp.WindowField;
        UrgentPointer = tcp.UrgentPointer;
        Length = Math.Max(length, payload.Length);
        Payload = payload;
        _options = TcpOptionSummary.Read(in tcp);
        if (_options.SackBlockCount > 0)
        {
            Sacks = ReadSacks(in tcp);
        }
    }

    /// <summary>SEG.SEQ: the number of the first byte, or of the SYN.</summary>
    public SequenceNumber Sequence { get; init; }

    /// <summary>SEG.ACK; meaningful with <see cref="TcpFlags.Ack"/>.</summary>
    public SequenceNumber Acknowledgment { get; init; }

    /// <summary>The control bits.</summary>
    public TcpFlags Flags { get; init; }

    /// <summary>The raw 16 bits of the window, not scaled.</summary>
    public ushort WindowField { get; init; }

    /// <summary>The urgent pointer; meaningful with <see cref="TcpFlags.Urg"/>.</summary>
    public ushort UrgentPointer { get; init; }

    /// <summary>Payload bytes on the wire; never less than what <see cref="Payload"/> holds.</summary>
    public int Length { get; init; }

    /// <summary>The payload as captured: shorter than <see cref="Length"/> where the capture is cut.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>The options.</summary>
    public TcpOptionSummary Options
    {
        get => _options;
        init => _options = value;
    }

    /// <summary>The SACK blocks; <see cref="TcpOptionSummary.SackBlockCount"/> of them are set.</summary>
    public SackBlocks Sacks { get; init; }

    // Those of the options that each segment is asked for, without a copy of all.
    internal bool HasTimestamps => _options.HasTimestamps;

    internal uint TimestampValue => _options.TimestampValue;

    internal uint TimestampEcho => _options.TimestampEcho;

    internal int SackBlockCount => _options.SackBlockCount;

    /// <summary>SYN is set.</summary>
    public bool Syn => (Flags & TcpFlags.Syn) != 0;

    /// <summary>ACK is set.</summary>
    public bool Ack => (Flags & TcpFlags.Ack) != 0;

    /// <summary>FIN is set.</summary>
    public bool Fin => (Flags & TcpFlags.Fin) != 0;

    /// <summary>RST is set.</summary>
    public bool Rst => (Flags & TcpFlags.Rst) != 0;

    /// <summary>SEG.UP: the number behind the urgent data (RFC 6093, 3.1); null without URG.</summary>
    public SequenceNumber? UrgentEnd => (Flags & TcpFlags.Urg) != 0 ? Sequence + UrgentPointer : null;

    /// <summary>SEG.LEN: the payload, one for a SYN and one for a FIN.</summary>
    public int SequenceLength => Length + (Syn ? 1 : 0) + (Fin ? 1 : 0);

    /// <summary>The number behind the last one this segment occupies.</summary>
    public SequenceNumber End => Sequence + SequenceLength;

    /// <summary>The number of the first payload byte: a SYN occupies the one before it.</summary>
    public SequenceNumber TextStart => Sequence + (Syn ? 1 : 0);

    /// <summary>Takes the segment out of a decoded packet; false if its innermost layer is not TCP. The first fragment of a datagram may look like a whole segment: <see cref="FragmentReassembler"/> tells.</summary>
    public static bool TryCreate(in PacketView packet, out TcpSegment segment)
    {
        if (!packet.TryGetTcp(out TcpView tcp))
        {
            segment = default;
            return false;
        }

        segment = new TcpSegment(in tcp, packet.PayloadLength, packet.Payload);
        return true;
    }

    /// <summary>Takes the segment out of a header.</summary>
    /// <param name="tcp">The header.</param>
    /// <param name="length">Payload bytes on the wire.</param>
    /// <param name="payload">Payload bytes captured.</param>
    public static TcpSegment Create(TcpView tcp, int length, ReadOnlySpan<byte> payload) => new(in tcp, length, payload);

    private static SackBlocks ReadSacks(in TcpView tcp)
    {
        var sacks = default(SackBlocks);
        TcpOptionSummary.ReadSackBlocks(in tcp, sacks);
        return sacks;
    }

    /// <summary>Room for the SACK blocks of one segment.</summary>
    [InlineArray(MaximumSackBlocks)]
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1034", Justification = "It has no use apart from its segment.")]
    public struct SackBlocks
    {
        private SackBlock _first;
    }
}
