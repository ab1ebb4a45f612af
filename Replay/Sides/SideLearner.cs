using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Interceptor.Packets;

namespace Interceptor.Replay.Sides;

/// <summary>
/// Learns who is a client and who a server from the packets themselves, and tells the sides of packets by what it has learned so far.
/// <para>Who sends the SYN of a TCP connection is its client, who answers with SYN and ACK its server. Without a handshake the end with the port of a service is
/// the server, and where the ports do not tell, who is seen first is the client; so for other conversations. A host is on the side where most of its conversations
/// have it, of those with a handshake first; one without any where its ARP and echo requests have it. A hardware address is on the side that most of its
/// packets come from, as a bridge learns it, or else on the one that packets for it go to.</para>
/// <para>Memory: bounded by <see cref="MaximumFlows"/>; conversations beyond it go by their hosts and are counted. Nothing is allocated for a packet of a
/// conversation that is known. Threads: one.</para>
/// </summary>
public sealed class SideLearner : SideRule
{
    /// <summary>Conversations that are remembered by default: about 150 MB.</summary>
    public const int UsualMaximumFlows = 1_000_000;

    // Below it, a port is a well-known service's; those from 512 to 1023 are also taken by clients that run as root (NFS, rsh).
    private const int WellKnownPorts = 512;

    // From here on Linux takes ports for clients (ip_local_port_range); IANA's range, and that of Windows, is inside.
    private const int FirstEphemeralPort = 32768;
    private const int MaximumMacs = 100_000;
    private const ushort ArpRequest = 1;
    private const ushort ArpReply = 2;

    private readonly Dictionary<FlowKey, Conversation> _flows = [];
    private readonly Dictionary<IpAddress, SideVotes> _hosts = [];
    private readonly Dictionary<MacAddress, SideVotes> _macs = [];

    /// <summary>Knows nothing yet.</summary>
    /// <param name="maximumFlows">Conversations, and hosts, that are remembered at most.</param>
    public SideLearner(int maximumFlows = UsualMaximumFlows)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumFlows);
        MaximumFlows = maximumFlows;
    }

    /// <summary>Conversations, and hosts, that are remembered at most.</summary>
    public int MaximumFlows { get; }

    /// <summary>Conversations that are remembered.</summary>
    public int FlowCount => _flows.Count;

    /// <summary>Packets of conversations that are not, because there are too many.</summary>
    public long PacketsBeyondLimit { get; private set; }

    /// <summary>Takes what one packet tells.</summary>
    public void Learn(in CapturedPacket packet)
    {
        PacketView link = PacketView.Parse(packet.Data, packet.Metadata.LinkType, packet.Metadata.OriginalLength);
        PacketView view = SideFlow.BehindLink(link);
        if (view.TryGetFlow(out FlowKey flow))
        {
            if (SideFlow.IsConversation(in view, in flow))
            {
                LearnConversation(in view, in flow);
            }
            else
            {
                LearnEcho(in view, in flow);
            }
        }
        else if (SideFlow.TryGetArp(in view, out IpAddress sender, out IpAddress target, out ushort operation) && sender != target && operation is ArpRequest or ArpReply)
        {
            Vote(operation == ArpRequest ? sender : target, operation == ArpRequest ? target : sender, SideEvidence.Question);
        }

        LearnMac(in link, OfInternet(in view));
    }

    /// <summary>
    /// What was learned, as a table that tells the same side of every packet: hosts, and beside them only what they do not tell, as servers by
    /// address and port where that is always true, and as single conversations.
    /// </summary>
    public SideTable ToTable()
    {
        var table = new SideTable();
        foreach ((IpAddress address, SideVotes votes) in _hosts)
        {
            if (votes.Side != PacketSide.Unknown)
            {
                _ = table.TryAdd(IpNetwork.Of(address), votes.Side);
            }
        }

        foreach ((MacAddress address, SideVotes votes) in _macs)
        {
            if (votes.Side != PacketSide.Unknown)
            {
                _ = table.TryAdd(address, votes.Side);
            }
        }

        AddConversations(table);
        return table;
    }

    private protected override PacketSide OfFlow(in FlowKey flow)
    {
        FlowKey key = flow.Canonical(out bool swapped);
        return _flows.TryGetValue(key, out Conversation known) ? (known.IsClientFirst != swapped ? PacketSide.Client : PacketSide.Server) : PacketSide.Unknown;
    }

    private protected override PacketSide OfHost(IpAddress address) => _hosts.TryGetValue(address, out SideVotes votes) ? votes.Side : PacketSide.Unknown;

    private protected override PacketSide OfMac(MacAddress address) => _macs.TryGetValue(address, out SideVotes votes) ? votes.Side : PacketSide.Unknown;

    private void LearnConversation(scoped in PacketView packet, in FlowKey flow)
    {
        bool isHandshake = IsHandshake(in packet, out bool isFromClient);
        FlowKey key = flow.Canonical(out bool swapped);
        ref Conversation known = ref CollectionsMarshal.GetValueRefOrNullRef(_flows, key);
        if (!Unsafe.IsNullRef(ref known))
        {
            if (isHandshake && !known.HasHandshake)
            {
                Vote(in key, known.IsClientFirst, SideEvidence.FirstPacket, isWithdrawn: true);
                known = new Conversation(isFromClient != swapped, HasHandshake: true);
                Vote(in key, known.IsClientFirst, SideEvidence.Handshake, isWithdrawn: false);
            }

            return;
        }

        isFromClient = isHandshake ? isFromClient : IsFirstFromClient(in flow);
        bool isClientFirst = isFromClient != swapped;
        if (_flows.Count < MaximumFlows)
        {
            _flows.Add(key, new Conversation(isClientFirst, isHandshake));
        }
        else
        {
            PacketsBeyondLimit++;
            if (!isHandshake)
            {
                return;
            }
        }

        Vote(in key, isClientFirst, isHandshake ? SideEvidence.Handshake : SideEvidence.FirstPacket, isWithdrawn: false);
    }

    private static bool IsHandshake(scoped in PacketView packet, out bool isFromClient)
    {
        isFromClient = false;
        if (!packet.TryGetTcp(out TcpView tcp) || (tcp.Flags & (TcpFlags.Syn | TcpFlags.Rst | TcpFlags.Fin)) != TcpFlags.Syn)
        {
            return false;
        }

        isFromClient = (tcp.Flags & TcpFlags.Ack) == 0;
        return true;
    }

    /// <summary>Whether the sender of the first packet that was seen of a conversation is its client.</summary>
    private static bool IsFirstFromClient(in FlowKey flow) => flow.Protocol switch
    {
        // Of a connection whose handshake is missing, any packet may be the first one seen.
        IpProtocol.Tcp => ClassOf(flow.Source.Port) >= ClassOf(flow.Destination.Port),

        // An answer whose question is missing; else nobody says that a datagram is not the first.
        IpProtocol.Udp => flow.Source.Port >= WellKnownPorts || flow.Destination.Port < FirstEphemeralPort,
        _ => true,
    };

    /// <summary>A port's class: the end of a TCP connection with the lower one is the server, where there is no handshake.</summary>
    internal static int ClassOf(ushort port) => port switch { < WellKnownPorts => 0, < FirstEphemeralPort => 1, _ => 2 };

    private void LearnEcho(scoped in PacketView packet, in FlowKey flow)
    {
        if (!SideFlow.IsToGroup(in packet, flow.Destination.Address) && SideFlow.TryGetEcho(in packet, out bool isRequest))
        {
            Vote(isRequest ? flow.Source.Address : flow.Destination.Address, isRequest ? flow.Destination.Address : flow.Source.Address, SideEvidence.Question);
        }
    }

    private void LearnMac(scoped in PacketView packet, PacketSide side)
    {
        if (side == PacketSide.Unknown || !packet.TryGetEthernet(out EthernetView ethernet))
        {
            return;
        }

        Vote(ethernet.Source, side, SideEvidence.FirstPacket);

        // Whom a packet is for is on the other side; what he sends himself says more.
        if (!ethernet.Destination.IsMulticast)
        {
            Vote(ethernet.Destination, side.Opposite(), SideEvidence.Question);
        }
    }

    private void Vote(MacAddress address, PacketSide side, SideEvidence evidence)
    {
        if (_macs.Count < MaximumMacs || _macs.ContainsKey(address))
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_macs, address, out _).Add(side, evidence);
        }
    }

    private void Vote(in FlowKey key, bool isClientFirst, SideEvidence evidence, bool isWithdrawn)
    {
        // Taking a vote for the client back is a vote for the server.
        bool isFirst = isClientFirst != isWithdrawn;
        Vote(isFirst ? key.Source.Address : key.Destination.Address, isFirst ? key.Destination.Address : key.Source.Address, evidence);
    }

    private void Vote(IpAddress client, IpAddress server, SideEvidence evidence)
    {
        // Two ends of one host say nothing of where it is.
        if (client != server)
        {
            Vote(client, PacketSide.Client, evidence);
            Vote(server, PacketSide.Server, evidence);
        }
    }

    private void Vote(IpAddress address, PacketSide side, SideEvidence evidence)
    {
        // 0.0.0.0 and :: are whoever has no address yet.
        if (address.Bits == UInt128.Zero || (_hosts.Count >= MaximumFlows && !_hosts.ContainsKey(address)))
        {
            return;
        }

        CollectionsMarshal.GetValueRefOrAddDefault(_hosts, address, out _).Add(side, evidence);
    }

    private void AddConversations(SideTable table)
    {
        var clients = new HashSet<(FlowEndpoint, byte)>();
        var servers = new Dictionary<(FlowEndpoint, byte), int>();
        foreach ((FlowKey key, Conversation conversation) in _flows)
        {
            FlowKey flow = conversation.IsClientFirst ? key : key.Reversed;
            if (flow.Protocol is IpProtocol.Tcp or IpProtocol.Udp)
            {
                clients.Add((flow.Source, flow.Protocol));
                if (!HostsTell(in flow))
                {
                    CollectionsMarshal.GetValueRefOrAddDefault(servers, (flow.Destination, flow.Protocol), out _)++;
                }
            }
        }

        foreach ((FlowKey key, Conversation conversation) in _flows)
        {
            FlowKey flow = conversation.IsClientFirst ? key : key.Reversed;
            (FlowEndpoint, byte) server = (flow.Destination, flow.Protocol);
            if (servers.GetValueOrDefault(server) > 1 && !clients.Contains(server))
            {
                _ = table.TryAdd(flow.Destination, flow.Protocol, PacketSide.Server);
            }
            else if (!HostsTell(in flow))
            {
                _ = table.TryAdd(in flow);
            }
        }
    }

    private bool HostsTell(in FlowKey fromClient) =>
        OfHost(fromClient.Source.Address) == PacketSide.Client && OfHost(fromClient.Destination.Address) == PacketSide.Server;

    /// <param name="IsClientFirst">The client is the source of the canonical key.</param>
    /// <param name="HasHandshake">A SYN said so.</param>
    private readonly record struct Conversation(bool IsClientFirst, bool HasHandshake);
}
