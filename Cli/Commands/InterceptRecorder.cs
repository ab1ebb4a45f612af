using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Capture.Intercept;
using Interceptor.Packets;

namespace Interceptor.Cli.Commands;

/// <summary>Writes intercepted packets with their verdict: one interface for each hook, the verdict as a comment (pcapng has no netfilter verdict).</summary>
internal sealed class InterceptRecorder
{
    private readonly CaptureFileWriter _file;
    private readonly Dictionary<FirewallHook, int> _interfaces = [];

    internal InterceptRecorder(CaptureFileWriter file, IReadOnlyList<FirewallHook> hooks)
    {
        _file = file;
        foreach (FirewallHook hook in hooks)
        {
            // Classic pcap describes one interface for all packets.
            _interfaces[hook] = file is PcapNgWriter || _interfaces.Count == 0
                ? file.AddInterface(new CaptureInterface(LinkType.Raw, 262_144, $"nfqueue:{FirewallHooks.NameOf(hook)}"))
                : 0;
        }
    }

    internal void Record(in CapturedPacket packet, FirewallHook hook, ushort queue, uint id, ImpairmentDecision decision)
    {
        var placed = new CapturedPacket(packet.Data, packet.Metadata with { InterfaceId = _interfaces[hook] });
        if (_file is PcapNgWriter writer)
        {
            PacketDirection direction = hook switch
            {
                FirewallHook.Input or FirewallHook.Prerouting => PacketDirection.Inbound,
                FirewallHook.Output or FirewallHook.Postrouting => PacketDirection.Outbound,
                _ => PacketDirection.Unknown,
            };
            writer.Write(in placed, new PcapNgPacketOptions
            {
                Comment = $"verdict: {InterceptReport.VerdictText(decision)}",
                Queue = queue,
                PacketId = id,
                Direction = direction,
            });
        }
        else
        {
            _file.Write(in placed);
        }
    }
}
