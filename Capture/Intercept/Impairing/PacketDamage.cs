using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>What a bad line does to the bits of a packet.</summary>
public static class PacketDamage
{
    /// <summary>Turns over one bit behind the outermost IP header, and leaves the checksum as it is; false where there is none.</summary>
    /// <param name="packet">From the IP header on.</param>
    /// <param name="choice">Which: modulo the number of bits there.</param>
    public static bool TurnBit(Span<byte> packet, uint choice)
    {
        PacketView view = PacketView.Parse(packet, LinkType.Raw);
        if (view.LayerCount == 0)
        {
            return false;
        }

        Layer ip = view[0];
        int start = ip.PayloadOffset;
        int length = Math.Min(ip.PayloadLength, packet.Length - start);
        if (length <= 0)
        {
            return false;
        }

        uint bit = choice % ((uint)length * 8);
        packet[start + (int)(bit / 8)] ^= (byte)(1 << (int)(bit % 8));
        return true;
    }
}
