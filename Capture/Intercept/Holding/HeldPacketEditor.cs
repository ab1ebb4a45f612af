using System.Globalization;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>Carries <see cref="HeldEdit"/>s out, on a copy of a packet's bytes.</summary>
internal static class HeldPacketEditor
{
    internal const string PayloadBytes = "payload bytes";

    /// <summary>The fields' names, for people.</summary>
    internal const string Fields = "ttl, tos, ip.id, sport, dport, tcp.flags, tcp.seq, tcp.ack, tcp.window, tcp.urgent, payload";

    private const string FlagLetters = "FSRPAUEW";
    private static readonly string[] FlagNames = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];

    internal static bool TryApply(ReadOnlyMemory<byte> packet, IReadOnlyList<HeldEdit> edits, out byte[] edited, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? reason)
    {
        edited = packet.ToArray();
        reason = null;
        foreach (HeldEdit edit in edits)
        {
            reason = edit.Field switch
            {
                HeldEdit.BytesField => SetBytes(edited, edit),
                PayloadBytes => SetPayload(ref edited, edit.Bytes.Span),
                "payload" => EscapedBytes.TryRead(edit.Value, out byte[] text) ? SetPayload(ref edited, text) : $"'{edit.Value}': {EscapedBytes.Escapes}",
                _ => SetField(edited, edit),
            };
            if (reason is not null)
            {
                return false;
            }
        }

        // By hand anything may be written, lengths too; of what still is a packet they are made right.
        PacketChecksums.FixLengthsAndChecksums(edited, LinkType.Raw);
        return true;
    }

    private static string? SetBytes(byte[] packet, HeldEdit edit)
    {
        if (edit.Offset < 0 || edit.Offset > packet.Length - edit.Bytes.Length)
        {
            return Text($"{edit.Bytes.Length} bytes at {edit.Offset} are beyond the packet's {packet.Length}.");
        }

        edit.Bytes.Span.CopyTo(packet.AsSpan(edit.Offset));
        return null;
    }

    private static string? SetPayload(ref byte[] packet, ReadOnlySpan<byte> payload)
    {
        PacketView view = PacketView.Parse(packet, LinkType.Raw, packet.Length);
        if (view.LayerCount == 0 || !(view.TryGetTcp(out _) || view.TryGetUdp(out _)))
        {
            return "only of TCP and UDP the payload can be set: give bytes at an offset.";
        }

        if (payload.Length != view.Payload.Length && view.TryGetTcp(out _))
        {
            return Text($"the payload has {view.Payload.Length} bytes and would get {payload.Length}: the connection would lose its count. A held segment keeps its length; --replace changes lengths and keeps the connection valid.");
        }

        int offset = view.Innermost.PayloadOffset;
        if (offset + payload.Length > ushort.MaxValue)
        {
            return "the packet would be longer than 65535 bytes.";
        }

        packet = [.. packet.AsSpan(0, offset), .. payload];
        return null;
    }

    private static string? SetField(byte[] packet, HeldEdit edit)
    {
        var editor = new PacketEditor(packet, LinkType.Raw);
        bool isDone = edit.Field switch
        {
            "ttl" => TryRead(edit, byte.MaxValue, out uint value) && SetTimeToLive(editor, (byte)value),
            "tos" => TryRead(edit, byte.MaxValue, out uint value) && SetTypeOfService(editor, (byte)value),
            "ip.id" => TryRead(edit, ushort.MaxValue, out uint value) && SetIdentification(editor, (ushort)value),
            "sport" or "dport" => TryRead(edit, ushort.MaxValue, out uint value) && SetPort(editor, edit.Field == "sport", (ushort)value),
            "tcp.flags" => TryReadFlags(edit.Value, out TcpFlags flags) && SetFlags(editor, flags),
            _ => SetTcpField(editor, edit),
        };
        return isDone ? null
            : Fields.Split(", ").Contains(edit.Field)
            ? $"'{edit.Value}' is no value of {edit.Field} here, or this packet has no such field."
            : $"there is no field '{edit.Field}': {Fields}.";
    }

    private static bool SetTcpField(PacketEditor packet, HeldEdit edit)
    {
        if (!packet.TryGetTcp(out TcpEditor tcp))
        {
            return false;
        }

        bool isWide = edit.Field is "tcp.seq" or "tcp.ack";
        if (!TryRead(edit, isWide ? uint.MaxValue : ushort.MaxValue, out uint value))
        {
            return false;
        }

        switch (edit.Field)
        {
            case "tcp.seq":
                tcp.Sequence = new SequenceNumber(value);
                return true;
            case "tcp.ack":
                tcp.Acknowledgment = new SequenceNumber(value);
                return true;
            case "tcp.window":
                tcp.WindowField = (ushort)value;
                return true;
            case "tcp.urgent":
                tcp.UrgentPointer = (ushort)value;
                return true;
            default:
                return false;
        }
    }

    private static bool SetTimeToLive(PacketEditor packet, byte value)
    {
        if (packet.TryGetIpv4(out Ipv4Editor ip))
        {
            ip.TimeToLive = value;
            return true;
        }

        bool isIpv6 = packet.TryGetIpv6(out Ipv6Editor ip6);
        if (isIpv6)
        {
            ip6.HopLimit = value;
        }

        return isIpv6;
    }

    private static bool SetTypeOfService(PacketEditor packet, byte value)
    {
        if (packet.TryGetIpv4(out Ipv4Editor ip))
        {
            ip.TypeOfService = value;
            return true;
        }

        bool isIpv6 = packet.TryGetIpv6(out Ipv6Editor ip6);
        if (isIpv6)
        {
            ip6.TrafficClass = value;
        }

        return isIpv6;
    }

    private static bool SetIdentification(PacketEditor packet, ushort value)
    {
        bool isIpv4 = packet.TryGetIpv4(out Ipv4Editor ip);
        if (isIpv4)
        {
            ip.Identification = value;
        }

        return isIpv4;
    }

    private static bool SetPort(PacketEditor packet, bool isSource, ushort value)
    {
        if (packet.TryGetTcp(out TcpEditor tcp))
        {
            (tcp.SourcePort, tcp.DestinationPort) = isSource ? (value, tcp.DestinationPort) : (tcp.SourcePort, value);
            return true;
        }

        bool isUdp = packet.TryGetUdp(out UdpEditor udp);
        if (isUdp)
        {
            (udp.SourcePort, udp.DestinationPort) = isSource ? (value, udp.DestinationPort) : (udp.SourcePort, value);
        }

        return isUdp;
    }

    private static bool SetFlags(PacketEditor packet, TcpFlags flags)
    {
        bool isTcp = packet.TryGetTcp(out TcpEditor tcp);
        if (isTcp)
        {
            tcp.Flags = flags;
        }

        return isTcp;
    }

    // As tcpdump writes them (S, F., P., a dot for ACK), as letters (SA), as names (syn+ack), or as the number.
    private static bool TryReadFlags(string text, out TcpFlags flags)
    {
        flags = TcpFlags.None;
        if (TryReadNumber(text, 0xFFF, out uint number))
        {
            flags = (TcpFlags)number;
            return true;
        }

        string[] names = text.Split('+', ',');
        if (names.All(name => Array.IndexOf(FlagNames, name.Trim().ToLowerInvariant()) >= 0))
        {
            flags = names.Aggregate(TcpFlags.None, (all, name) => all | (TcpFlags)(1 << Array.IndexOf(FlagNames, name.Trim().ToLowerInvariant())));
            return true;
        }

        foreach (char letter in text)
        {
            int bit = FlagLetters.IndexOf(letter == '.' ? 'A' : letter, StringComparison.Ordinal);
            if (bit < 0)
            {
                return false;
            }

            flags |= (TcpFlags)(1 << bit);
        }

        return text.Length > 0;
    }

    private static bool TryRead(HeldEdit edit, uint maximum, out uint value) => TryReadNumber(edit.Value, maximum, out value);

    private static bool TryReadNumber(string text, uint maximum, out uint value)
    {
        string trimmed = text.Trim();
        bool isHex = trimmed.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return uint.TryParse(isHex ? trimmed.AsSpan(2) : trimmed, isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out value)
            && value <= maximum;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
