using System.Buffers.Binary;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Replaces in what one datagram carries: UDP, and ICMP echo in both versions. Each stands for itself.
/// <para>Pure. Threads: one at a time. A datagram without a match costs no allocation.</para>
/// </summary>
internal sealed class DatagramEditor(ReplacementSet rules, EditingScratch scratch)
{
    private const int IcmpEchoReply = 0;
    private const int IcmpEcho = 8;
    private const int Icmpv6Echo = 128;
    private const int Icmpv6EchoReply = 129;
    private const int Icmpv6EchoNumbers = 4;
    private const int MaximumLength = 65_500;

    /// <summary>True if it has to go on with other bytes, which are borrowed until the next call.</summary>
    /// <param name="view">The packet from its IP header on.</param>
    /// <param name="edited">What goes on.</param>
    /// <param name="replaced">How many replacements.</param>
    /// <param name="isTooLong">There were some, and the datagram would be longer than one can be: it stays as it is.</param>
    internal bool TryEdit(scoped in PacketView view, out ReadOnlySpan<byte> edited, out int replaced, out bool isTooLong)
    {
        edited = default;
        replaced = 0;
        isTooLong = false;
        Layer last = view.Innermost;

        // Identifier and sequence number of an ICMPv6 echo are the beginning of its body.
        int numbers = last.Kind == LayerKind.Icmpv6 ? Icmpv6EchoNumbers : 0;
        int start = last.PayloadOffset + numbers;
        if (!IsEditable(in view, in last) || last.PayloadLength < numbers || last.PayloadOffset + last.PayloadLength > view.Data.Length)
        {
            return false;
        }

        ReadOnlySpan<byte> payload = view.Data.Slice(start, last.PayloadLength - numbers);
        if (rules.Find(payload, 0, isFinal: true, out int index, out int pair) != ReplacementSet.Result.Found)
        {
            return false;
        }

        var translation = new StreamTranslation(rules);
        do
        {
            translation.Add(index, pair);
            replaced++;
        }
        while (rules.Find(payload, index + rules.Old(pair).Length, isFinal: true, out index, out pair) == ReplacementSet.Result.Found);

        int length = start + payload.Length + (int)Math.Min(translation.Shift, MaximumLength);
        if (length > MaximumLength)
        {
            isTooLong = true;
            return false;
        }

        Span<byte> packet = scratch.RoomForPacket(length);
        view.Data[..start].CopyTo(packet);
        translation.Write(0, payload, packet[start..]);
        if (translation.Shift > 0 && packet[0] >> 4 == 4)
        {
            AllowFragments(packet);
        }

        PacketChecksums.FixLengthsAndChecksums(packet, LinkType.Raw);
        scratch.Count((replaced, translation.Shift));
        edited = packet;
        return true;
    }

    // A longer datagram may not fit the link any more: without DF the kernel cuts it, and needs a number for the parts.
    private static void AllowFragments(Span<byte> packet)
    {
        packet[6] &= 0xBF;
        if (BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) == 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(InternetChecksum.Sum(packet) | 1));
        }
    }

    private static bool IsEditable(scoped in PacketView view, in Layer last) => EditedSegment.IsDirect(in view) && last.Kind switch
    {
        LayerKind.Udp => true,
        LayerKind.Icmp => view.Data[last.Offset] is IcmpEcho or IcmpEchoReply,
        LayerKind.Icmpv6 => view.Data[last.Offset] is Icmpv6Echo or Icmpv6EchoReply,
        _ => false,
    };
}
