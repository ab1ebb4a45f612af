using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// A packet that waits in the kernel, with a copy of its bytes.
/// <para>Ownership: the <see cref="PacketHold"/> owns it until its release; <see cref="Data"/> is borrowed until then. Who needs the bytes longer takes
/// <see cref="Share"/> while it is still held (in the release's predicate at the latest).</para>
/// </summary>
public sealed class HeldPacket
{
    private readonly PacketLease _lease;

    internal HeldPacket(InterceptedPacket packet, PacketLease lease, HoldDirection direction)
    {
        Packet = packet;
        _lease = lease;
        Direction = direction;
        Timestamp = packet.Timestamp;
    }

    /// <summary>Which way it travels.</summary>
    public HoldDirection Direction { get; }

    /// <summary>When it was held.</summary>
    public CaptureTimestamp Timestamp { get; }

    /// <summary>The kernel's number of it; rises in order of arrival and wraps.</summary>
    public uint Id => Packet.Id;

    /// <summary>Index of the interface it came in by; 0 for its own machine's packets.</summary>
    public int InInterface => Packet.InInterface;

    /// <summary>The packet's mark.</summary>
    public uint Mark => Packet.Mark;

    /// <summary>True if the transport checksum in <see cref="Data"/> is not filled in; it must be before the copy is sent anywhere.</summary>
    public bool IsChecksumNotReady => Packet.IsChecksumNotReady;

    /// <summary>True for a super-packet of several segments.</summary>
    public bool IsGso => Packet.IsGso;

    /// <summary>Bytes of the packet in the kernel; more than <see cref="Data"/> has where the queue's copy range cut it.</summary>
    public int OriginalLength => Packet.OriginalLength;

    /// <summary>The bytes from the IP header on.</summary>
    public ReadOnlySpan<byte> Data => _lease.Data;

    internal InterceptedPacket Packet { get; }

    /// <summary>A claim of the caller's own on the copy: the caller disposes it.</summary>
    public PacketLease Share() => _lease.Share();
}
