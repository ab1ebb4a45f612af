using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tests.Packets;

namespace Interceptor.Tests.Fuzz;

/// <summary>
/// Reads one input as a capture and gives every packet to the views, the printer, the filters, the tracker and a copy, which is read again. Damage may be told as a
/// <see cref="CaptureFileException"/>; anything else that is thrown, and anything that contradicts what the types promise, is a finding.
/// <para>Threads: one for each instance.</para>
/// </summary>
internal sealed class FuzzTarget
{
    private static readonly string[] Expressions = ["tcp port 80 or vlan", "ip6 or (ip[6:2] & 0x1fff != 0)", "greater 100 and tcp[tcpflags] & tcp-syn != 0"];

    private readonly PacketFormatter _formatter = new(new PacketFormatOptions { Verbosity = 1, LinkHeader = true });
    private readonly Dictionary<LinkType, PacketFilter[]> _filters = [];

    /// <summary>Packets read in all executions.</summary>
    internal long Packets { get; private set; }

    /// <summary>Inputs that were read to their end without a complaint.</summary>
    internal long Sound { get; private set; }

    internal void Execute(byte[] input)
    {
        var tracker = new TcpTracker();
        using var copy = new MemoryStream();
        long packets = 0;
        try
        {
            using CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(input, writable: false), "input");
            using var writer = new PcapNgWriter(copy, leaveOpen: true);
            var copier = new CaptureFileCopier(reader, writer);
            while (reader.TryRead(out CapturedPacket packet))
            {
                packets++;
                Take(packet, reader, tracker);
                copier.Copy(packet);
            }

            Check(reader.Compression != CaptureCompression.None || reader.Offset == input.Length, "The reader ended before the file did.");
            Sound++;
        }
        catch (CaptureFileException damage)
        {
            Check(damage.Message.Length < 1000, "The message is long.");
        }

        Packets += packets;
        CheckCopy(copy, packets);
        tracker.Finish();
        foreach (TcpConnection connection in tracker.Connections)
        {
            Check(connection.First.Stream.StreamBytes >= 0 && connection.First.Stream.MissingBytes >= 0, "A count of stream bytes is negative.");
        }
    }

    /// <summary>Whatever was read was written so that it can be read again.</summary>
    private static void CheckCopy(MemoryStream copy, long packets)
    {
        if (copy.Length == 0)
        {
            return;
        }

        copy.Position = 0;
        using CaptureFileReader reader = CaptureFile.OpenRead(copy, "copy");
        CaptureFileSummary summary = CaptureFileSummary.Read(reader);
        Check(summary.Packets == packets && summary.Error is null, $"The copy has {summary.Packets} packets of {packets}, then: {summary.Error?.Message}");
    }

    private static void Check(bool condition, string message)
    {
        if (!condition)
        {
            throw new InvalidOperationException(message);
        }
    }

    private void Take(in CapturedPacket packet, CaptureFileReader reader, TcpTracker tracker)
    {
        PacketMetadata metadata = packet.Metadata;
        Check(packet.Data.Length <= metadata.OriginalLength, "More was captured than was on the wire.");
        Check((uint)metadata.InterfaceId < (uint)reader.Interfaces.Count, "The packet's interface is not described.");
        Check(reader.Interfaces[metadata.InterfaceId].LinkType == metadata.LinkType, "The packet has another link type than its interface.");
        reader.ReadPacketOptions();
        PacketView view = packet.Parse();
        for (int i = 0; i < view.LayerCount; i++)
        {
            Check(view[i].Offset + view[i].HeaderLength <= packet.Data.Length && view[i].PayloadLength >= 0, "A layer lies outside its packet.");
        }

        PacketChecksums.Verify(view);
        foreach (char c in _formatter.Format(view))
        {
            Check(c is (>= ' ' and <= '~') or '\n' or '\t', $"Character {(int)c:x} was printed.");
        }

        PacketFields.Write(view, new FieldText());
        foreach (PacketFilter filter in FiltersFor(metadata.LinkType))
        {
            filter.Matches(packet.Data, metadata.OriginalLength);
        }

        tracker.Process(in view, metadata.Timestamp, metadata.Number);
    }

    // Compiling is libpcap's work and not the target: each link type once, and only those that we decode.
    private PacketFilter[] FiltersFor(LinkType linkType)
    {
        if (!_filters.TryGetValue(linkType, out PacketFilter[]? filters))
        {
            filters = Sample.LinkTypes.Contains(linkType) ? [.. Expressions.SelectMany(expression => TryCompile(expression, linkType))] : [];
            _filters.Add(linkType, filters);
        }

        return filters;
    }

    private static IEnumerable<PacketFilter> TryCompile(string expression, LinkType linkType)
    {
        try
        {
            return [PacketFilter.Compile(expression, linkType)];
        }
        catch (FilterSyntaxException)
        {
            return [];
        }
    }
}
