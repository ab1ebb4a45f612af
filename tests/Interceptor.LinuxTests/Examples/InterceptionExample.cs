using System.Text;
using Interceptor.Capture.Intercept;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.LinuxTests.Examples;

/// <summary>The example of docs/interception-library.md, word for word.</summary>
internal static class InterceptionExample
{
    // <example>
    /// <summary>Drops datagrams that say "drop me", makes others say PLEASE in capitals, and lets the rest pass, until it is cancelled.</summary>
    internal static async Task<InterceptStatistics> PoliceAsync(int port, NetworkNamespace? network, CancellationToken cancellation)
    {
        // Open the queue first: with the rules in place and nobody to ask, packets would be lost.
        using var queue = InterceptionQueue.Open(new InterceptionQueueOptions { Number = 4000 });
        if (!FirewallMatch.TryFromFilter(PacketFilter.Compile($"udp dst port {port}", LinkType.Raw), out FirewallMatch match))
        {
            throw new InvalidOperationException("The filter is too long for the kernel.");
        }

        // The rules go from whatever thread is at the end, so they are told where they are.
        var rule = new FirewallRule(FirewallHook.Input, match, FirewallTarget.ToQueue(queue.Number, bypass: false));
        using FirewallRules rules = FirewallRules.Install([rule], new FirewallOptions { Namespace = network });
        await foreach (InterceptedPacket packet in queue.ReadAllAsync(cancellation: cancellation))
        {
            PacketView view = packet.Packet.Parse();
            string text = Encoding.ASCII.GetString(view.Payload);
            if (text.Contains("drop me", StringComparison.Ordinal))
            {
                packet.Drop();
            }
            else if (text.Contains("please", StringComparison.Ordinal))
            {
                byte[] edited = packet.Data.ToArray();
                Encoding.ASCII.GetBytes(text.Replace("please", "PLEASE", StringComparison.Ordinal)).CopyTo(edited, edited.Length - view.Payload.Length);
                PacketChecksums.FixChecksums(edited, LinkType.Raw);
                packet.AcceptEdited(edited);
            }

            // A packet without a verdict gets the queue's default: accept.
        }

        rules.Remove();
        return queue.ReadStatistics();
    }

    // </example>
}
