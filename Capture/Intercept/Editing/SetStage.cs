namespace Interceptor.Capture.Intercept;

/// <summary>
/// Sets header fields in packets that go on. What <c>--corrupt</c> damaged stays as it is.
/// <para>Threads: that of its worker.</para>
/// </summary>
/// <param name="setter">Which fields.</param>
/// <param name="next">Where packets go on to.</param>
internal sealed class SetStage(FieldSetter setter, IOutgoingStage next) : IOutgoingStage
{
    private byte[] _bytes = new byte[2048];

    public bool NeedsBytes => true;

    public long NextDue => long.MaxValue;

    public void Pass(in OutgoingPacket packet)
    {
        ReadOnlySpan<byte> source = packet.Bytes;
        if (packet.Decision.Corrupt || packet.Packet.IsTruncated)
        {
            next.Pass(in packet);
            return;
        }

        if (_bytes.Length < source.Length)
        {
            _bytes = new byte[source.Length];
        }

        Span<byte> bytes = _bytes.AsSpan(0, source.Length);
        source.CopyTo(bytes);
        if (!setter.Apply(bytes, isChecksumReady: packet.IsChanged || !packet.Packet.IsChecksumNotReady))
        {
            next.Pass(in packet);
            return;
        }

        next.Pass(packet with { Bytes = bytes, IsChanged = true, Note = packet.Note is null ? "fields set" : packet.Note + "; fields set" });
    }

    public void ReleaseDue(long now)
    {
    }

    public void End()
    {
    }
}
