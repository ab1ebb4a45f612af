using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;

namespace Interceptor.Replay.Sides;

/// <summary>
/// Writes the packets of a two-sided replay to a pcapng file with an interface for each side, so that one sees which way each went.
/// <para>Threads: one writer.</para>
/// </summary>
public sealed class TwoSidedCopy : IPacketSink
{
    private readonly CaptureFileWriter _writer;
    private readonly string? _clientInterface;
    private readonly string? _serverInterface;
    private readonly Dictionary<LinkType, int> _clientIds = [];

    /// <summary>Writes to a file, which stays the caller's.</summary>
    /// <param name="writer">A file that can hold several interfaces.</param>
    /// <param name="clientInterface">What the client's side was sent on; null for a rehearsal.</param>
    /// <param name="serverInterface">The same of the server's.</param>
    public TwoSidedCopy(CaptureFileWriter writer, string? clientInterface, string? serverInterface)
    {
        ArgumentNullException.ThrowIfNull(writer);
        _writer = writer;
        _clientInterface = clientInterface;
        _serverInterface = serverInterface;
    }

    /// <inheritdoc/>
    public void Write(in CapturedPacket packet)
    {
        LinkType linkType = packet.Metadata.LinkType;
        if (!_clientIds.TryGetValue(linkType, out int id))
        {
            id = _writer.AddInterface(Describe("client", linkType, _clientInterface));
            _ = _writer.AddInterface(Describe("server", linkType, _serverInterface));
            _clientIds.Add(linkType, id);
        }

        id += PacketSides.MarkOf(packet.Metadata) == PacketSide.Server ? 1 : 0;
        _writer.Write(new CapturedPacket(packet.Data, packet.Metadata with { InterfaceId = id }));
    }

    /// <inheritdoc/>
    public void Flush() => _writer.Flush();

    /// <summary>Does nothing: the file is the caller's.</summary>
    public void Dispose()
    {
    }

    private static CaptureInterface Describe(string side, LinkType linkType, string? sentOn) =>
        new(linkType, 0, side, sentOn is null ? $"the {side}'s side, not sent" : $"the {side}'s side, sent on {sentOn}");
}
