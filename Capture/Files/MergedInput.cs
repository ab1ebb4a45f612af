using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>One capture of several that are merged: its next packet, kept until it is its turn. The buffers grow to the longest packet.</summary>
internal sealed class MergedInput(CaptureFileReader reader)
{
    private byte[] _data = [];
    private int _dataLength;
    private byte[] _options = [];
    private int _optionsLength;
    private bool _isBigEndian;
    private ulong? _dropCount;
    private PacketMetadata _metadata;
    private CaptureTimestamp _latest = new(long.MinValue);

    internal CaptureFileReader Reader { get; } = reader;

    /// <summary>The merged ids of its interfaces, by its own.</summary>
    internal List<int> InterfaceIds { get; } = [];

    /// <summary>When the packet's turn is: a packet without a time goes with the one before it.</summary>
    internal CaptureTimestamp At => _latest;

    internal PcapNgOptionList Options => new(_options.AsSpan(0, _optionsLength), _isBigEndian, _dropCount);

    /// <summary>Reads the next packet and keeps it; false at the end.</summary>
    internal bool TryAdvance()
    {
        if (!Reader.TryRead(out CapturedPacket packet))
        {
            return false;
        }

        _dataLength = Keep(packet.Data, ref _data);
        PcapNgOptionList options = Reader.PacketOptions;
        _optionsLength = Keep(options.Bytes, ref _options);
        _isBigEndian = options.IsBigEndian;
        _dropCount = options.DropCountOfBlock;
        _metadata = packet.Metadata;
        _latest = _metadata.HasTimestamp ? _metadata.Timestamp : _latest;
        return true;
    }

    internal CapturedPacket Packet(long number) =>
        new(_data.AsSpan(0, _dataLength), _metadata with { InterfaceId = InterfaceIds[_metadata.InterfaceId], Number = number });

    private static int Keep(ReadOnlySpan<byte> bytes, ref byte[] buffer)
    {
        if (bytes.Length > buffer.Length)
        {
            buffer = new byte[Math.Max(bytes.Length, 2 * buffer.Length)];
        }

        bytes.CopyTo(buffer);
        return bytes.Length;
    }
}
