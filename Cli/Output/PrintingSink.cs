using Interceptor.Capture;
using Interceptor.Packets;

namespace Interceptor.Cli.Output;

/// <summary>A sink that prints: the output stays the command's.</summary>
internal sealed class PrintingSink(PacketPrinter printer, CommandOutput output) : IPacketSink
{
    public void Write(in CapturedPacket packet) => printer.Write(packet);

    public void Flush() => output.Flush();

    public void Dispose()
    {
    }
}
