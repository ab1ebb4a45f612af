using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Sets header fields in the outermost headers of a packet and carries the checksums along: one that was wrong stays wrong.
/// <para>Pure. Threads: any. Allocates nothing.</para>
/// </summary>
internal sealed class FieldSetter(IReadOnlyList<FieldSetting> settings)
{
    private readonly FieldSetting[] _settings = [.. settings];

    /// <summary>True if a byte changed.</summary>
    /// <param name="packet">From the IP header on, edited in place.</param>
    /// <param name="isChecksumReady">Its transport checksum is filled in; else it is computed.</param>
    internal bool Apply(Span<byte> packet, bool isChecksumReady)
    {
        bool isChanged = false;
        PacketView view = PacketView.Parse(packet, LinkType.Raw);
        if (view.LayerCount == 0)
        {
            return false;
        }

        Span<byte> ip = packet[view[0].Offset..view[0].PayloadOffset];
        bool hasTcp = EditedSegment.TryRead(in view, out EditedSegment segment);
        int tcpOffset = hasTcp ? segment.TcpOffset : 0;
        foreach (FieldSetting setting in _settings)
        {
            isChanged |= setting.Field == SettableField.Window ? hasTcp && SetWindow(packet[tcpOffset..], setting.Value) : SetInIp(ip, setting);
        }

        if (isChanged && !isChecksumReady)
        {
            PacketChecksums.FixChecksums(packet, LinkType.Raw);
        }

        return isChanged;
    }

    private static bool SetWindow(Span<byte> header, ushort value)
    {
        if (!TcpEditor.TryParse(header, out TcpEditor tcp) || tcp.WindowField == value)
        {
            return false;
        }

        tcp.Checksum = InternetChecksum.Update(tcp.Checksum, tcp.WindowField, value);
        tcp.WindowField = value;
        return true;
    }

    private static bool SetInIp(Span<byte> header, FieldSetting setting)
    {
        if (Ipv4Editor.TryParse(header, out Ipv4Editor ip))
        {
            return SetInIpv4(ip, setting);
        }

        if (!Ipv6Editor.TryParse(header, out Ipv6Editor ip6))
        {
            return false;
        }

        byte value = (byte)setting.Value;
        switch (setting.Field)
        {
            case SettableField.TimeToLive when ip6.HopLimit != value:
                ip6.HopLimit = value;
                return true;
            case SettableField.TypeOfService when ip6.TrafficClass != value:
                ip6.TrafficClass = value;
                return true;
            default:
                return false;
        }
    }

    private static bool SetInIpv4(Ipv4Editor ip, FieldSetting setting)
    {
        // All that can be set stands before the checksum.
        Span<byte> before = stackalloc byte[10];
        ip.Header[..10].CopyTo(before);
        switch (setting.Field)
        {
            case SettableField.TimeToLive:
                ip.TimeToLive = (byte)setting.Value;
                break;
            case SettableField.TypeOfService:
                ip.TypeOfService = (byte)setting.Value;
                break;
            default:
                ip.Identification = setting.Value;
                break;
        }

        ip.Checksum = InternetChecksum.Update(ip.Checksum, before, ip.Header[..10]);
        return !before.SequenceEqual(ip.Header[..10]);
    }
}
