using System.CommandLine;
using System.Globalization;
using System.Text;
using Interceptor.Cli.Output;
using Interceptor.Packets;
using Interceptor.Replay.Rewriting;

namespace Interceptor.Cli.Rewriting;

/// <summary>The edits of packets, the same for <c>rewrite</c> and <c>replay</c>.</summary>
internal sealed class PacketEditArguments
{
    private const char FileMark = '@';

    private readonly Option<string> _sourceMac = Text("--source-mac", "MAC", "Set the source of the link header.");
    private readonly Option<string> _destinationMac = Text("--destination-mac", "MAC", "Set the destination of the link header.");
    private readonly Option<string[]> _mac = Pairs("--mac", "OLD=NEW", "Change an Ethernet address wherever it stands: link headers, ARP, neighbour discovery. Repeatable.");
    private readonly Option<string[]> _address = Pairs("--address", "OLD=NEW",
        "Change addresses wherever they stand: sources, destinations, ARP, neighbour discovery, packets inside tunnels and those that ICMP errors quote. Each is an address or a network, "
        + "as 10.0.0.0/8=198.51.100.0/24: the first bits become NEW's, the others stay. Repeatable; the first that fits counts.");

    private readonly Option<string[]> _sourceAddress = Pairs("--source-address", "OLD=NEW", "The same where the address is a source; before --address. Repeatable.");
    private readonly Option<string[]> _destinationAddress = Pairs("--destination-address", "OLD=NEW", "The same where the address is a destination; before --address. Repeatable.");
    private readonly Option<string[]> _port = Pairs("--port", "OLD=NEW", "Change a TCP or UDP port, in both directions. Repeatable.");
    private readonly Option<string> _anonymise = Text("--anonymise", "KEY",
        "Give every other IP and Ethernet address a false one that depends on KEY (a text, or @FILE for what a file holds). Equal prefixes stay equal; multicast, broadcast, loopback and unspecified "
        + "addresses and the link-local prefixes stay. What may hold addresses that can't be reached is left out and listed. Payload is not anonymised: see --zero-payload and docs/rewrite.md.");

    private readonly Option<string[]> _anonymiseKeep = Pairs("--anonymise-keep", "NETWORK", "Addresses of this network are not anonymised. Repeatable.");
    private readonly Option<bool> _keepUnknown = new("--keep-unknown") { Description = "With --anonymise, write what can't be anonymised as it is, instead of leaving it out." };
    private readonly Option<bool> _zeroPayload = new("--zero-payload") { Description = "Set everything behind the known headers to zero." };
    private readonly Option<string> _vlanAdd = Text("--vlan-add", "ID[,PRIORITY]", "Put a VLAN tag in front: 802.1Q, or 802.1ad where there is a tag already.");
    private readonly Option<int?> _vlanSet = new("--vlan-set") { Description = "Set the id of the outermost VLAN tag, where there is one.", HelpName = "ID" };
    private readonly Option<bool> _vlanRemove = new("--vlan-remove") { Description = "Remove the outermost VLAN tag; with --vlan-add the new one takes its place." };
    private readonly Option<string> _ttl = Text("--ttl", "N|+N|-N", "Set the time to live or hop limit of the outermost IP header, or change it (it stays between 1 and 255).");
    private readonly Option<int?> _tos = new("--tos") { Description = "Set the type of service or traffic class of the outermost IP header: DSCP and ECN, 0 to 255.", HelpName = "N" };
    private readonly Option<int?> _mss = new("--mss") { Description = "Set the maximum segment size that SYN segments announce, where they announce one.", HelpName = "N" };
    private readonly Option<int?> _mtu = new("--mtu")
    {
        Description = "Make several packets of each IP packet that is longer than N bytes: TCP as segments, other IPv4 that allows it as fragments.",
        HelpName = "N",
    };

    private readonly Option<bool> _repair = new("--repair") { Description = "Make lengths and checksums right, also those that were left to the network device. Without it a wrong checksum stays wrong." };
    private readonly Option<TruncatedPackets> _truncated = new("--truncated")
    {
        Description = "What becomes of packets that the capture holds only in part: they are kept as they are, padded with zeros, shortened to what there is, or left out. Default: keep.",
        HelpName = "keep|pad|shorten|drop",
    };

    /// <summary>All of them, in the order of the help.</summary>
    internal IEnumerable<Option> All =>
    [
        _sourceMac, _destinationMac, _mac, _address, _sourceAddress, _destinationAddress, _port, _anonymise, _anonymiseKeep, _keepUnknown, _zeroPayload,
        _vlanAdd, _vlanSet, _vlanRemove, _ttl, _tos, _mss, _mtu, _repair, _truncated,
    ];

    /// <exception cref="UsageException">A value is none, or two exclude one another.</exception>
    internal PacketEdits Read(ParseResult parsed)
    {
        if (parsed.GetValue(_anonymise) is null && (parsed.GetValue(_keepUnknown) || parsed.GetValue(_anonymiseKeep) is { Length: > 0 }))
        {
            throw new UsageException("--keep-unknown and --anonymise-keep go with --anonymise.");
        }

        return new PacketEdits
        {
            SourceMac = Mac(parsed, _sourceMac),
            DestinationMac = Mac(parsed, _destinationMac),
            Macs = Several(parsed, _mac, MacMapping.Parse),
            Addresses = Several(parsed, _address, AddressMapping.Parse),
            SourceAddresses = Several(parsed, _sourceAddress, AddressMapping.Parse),
            DestinationAddresses = Several(parsed, _destinationAddress, AddressMapping.Parse),
            Ports = Several(parsed, _port, PortMapping.Parse),
            Anonymisation = Key(parsed),
            KeepsUnknown = parsed.GetValue(_keepUnknown),
            ZeroesPayload = parsed.GetValue(_zeroPayload),
            RemovesVlan = parsed.GetValue(_vlanRemove),
            SetVlan = Number(parsed, _vlanSet, 0, 4095),
            AddVlan = parsed.GetValue(_vlanAdd) is { } tag ? One(_vlanAdd, tag, VlanTag.Parse) : null,
            TimeToLive = parsed.GetValue(_ttl) is { } ttl ? One(_ttl, ttl, HopChange.Parse) : null,
            TypeOfService = (byte?)Number(parsed, _tos, 0, byte.MaxValue),
            MaximumSegmentSize = (ushort?)Number(parsed, _mss, 1, ushort.MaxValue),
            Mtu = Number(parsed, _mtu, PacketEdits.SmallestMtu, ushort.MaxValue),
            Repairs = parsed.GetValue(_repair),
            Truncated = parsed.GetValue(_truncated),
        };
    }

    private AnonymisationKey? Key(ParseResult parsed)
    {
        if (parsed.GetValue(_anonymise) is not { } secret)
        {
            return null;
        }

        IReadOnlyList<IpNetwork> kept = Several(parsed, _anonymiseKeep,
            static text => IpNetwork.TryParse(text, out IpNetwork prefix) ? prefix : throw new FormatException("write an address or a network, as 192.0.2.0/24."));
        byte[] bytes = secret.Length > 1 && secret[0] == FileMark ? ReadKeyFile(secret[1..]) : Encoding.UTF8.GetBytes(secret);
        return bytes.Length > 0
            ? AnonymisationKey.From(bytes, kept)
            : throw new UsageException("--anonymise needs a key: a text that nobody guesses, or @FILE.");
    }

    private static byte[] ReadKeyFile(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--anonymise: the key in {Printable.Escape(path)} can't be read: {Printable.Escape(exception.Message)}");
        }
    }

    private static MacAddress? Mac(ParseResult parsed, Option<string> option) => parsed.GetValue(option) is not { } text ? null
        : One(option, text, static mac => MacAddress.TryParse(mac, out MacAddress address) ? address : throw new FormatException("write six pairs of digits, as 02:00:00:00:00:01."));

    private static int? Number(ParseResult parsed, Option<int?> option, int least, int most) => parsed.GetValue(option) is not { } value ? null
        : value >= least && value <= most ? value
        : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{option.Name} takes {least} to {most}, not {value}."));

    private static List<T> Several<T>(ParseResult parsed, Option<string[]> option, Func<string, T> parse) =>
        [.. (parsed.GetValue(option) ?? []).Select(text => One(option, text, parse))];

    private static T One<T>(Option option, string text, Func<string, T> parse)
    {
        try
        {
            return parse(text);
        }
        catch (FormatException exception)
        {
            throw new UsageException($"{option.Name} wants {option.HelpName}, not '{Printable.Escape(text)}': {exception.Message}");
        }
    }

    private static Option<string> Text(string name, string value, string description) => new(name) { Description = description, HelpName = value };

    private static Option<string[]> Pairs(string name, string value, string description) => new(name) { Description = description, HelpName = value };
}
