namespace Interceptor.Capture.Files;

/// <summary>A pcapng block that outlives the reader's buffer.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Body">What is between its lengths.</param>
/// <param name="IsBigEndian">The byte order of its numbers.</param>
/// <param name="Scale">How its instants become nanoseconds.</param>
/// <param name="InterfaceId">The interface that it is of; -1 for none.</param>
/// <param name="Described">What it describes; null where it describes no interface.</param>
internal sealed record StoredBlock(uint Type, byte[] Body, bool IsBigEndian, TimestampScale Scale, int InterfaceId, CaptureInterface? Described)
{
    internal PcapNgBlock Lend() => new(Type, Body, IsBigEndian, Scale, InterfaceId);

    internal static StoredBlock Of(in PcapNgBlock block, int interfaceId, CaptureInterface? described) =>
        new(block.Type, block.Body.ToArray(), block.IsBigEndian, block.Scale, interfaceId, described);
}
