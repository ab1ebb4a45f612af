using System.Diagnostics;
using System.Globalization;
using Interceptor.Capture.Files;
using Interceptor.Filters;
using Interceptor.FilterBench;
using Interceptor.Packets;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args.Length == 0)
{
    Console.Error.WriteLine("usage: dotnet run -c Release --project bench/filter FILE [FILTER ...]");
    return 2;
}

List<byte[]> packets = [];
LinkType linkType = LinkType.Ethernet;
using (CaptureFileReader reader = CaptureFile.OpenRead(args[0]))
{
    while (packets.Count < 10_000 && reader.TryRead(out CapturedPacket packet))
    {
        linkType = packets.Count == 0 ? packet.Metadata.LinkType : linkType;
        if (packet.Metadata.LinkType == linkType)
        {
            packets.Add(packet.Data.ToArray());
        }
    }
}

string[] filters = args.Length > 1 ? args[1..] :
[
    "ip", "tcp port 80", "udp port 53 or icmp", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "tcp and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)",
    string.Join(" or ", Enumerable.Range(1, 60).Select(static host => $"host 192.0.2.{host * 3}")),
];

var first = BpfProgramOf("tcp port 443");
long start = Stopwatch.GetTimestamp();
_ = BpfCompiler.Compile(first);
Console.WriteLine($"{packets.Count} packets of {linkType.GetName()}; the first compilation in a process took {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F1} ms");
Console.WriteLine($"{"instructions",12} {"compile us",10} {"interpreter",12} {"IL",12} {"libpcap",12} {"ratio IL",9} {"libpcap",9}   ns a packet, median of 15; ratios to the interpreter");
foreach (string filter in filters)
{
    var comparison = new Comparison(BpfProgramOf(filter), packets);
    Console.WriteLine($"{comparison.Run()}   {(filter.Length > 60 ? filter[..60] + "..." : filter)}");
}

return 0;

BpfProgram BpfProgramOf(string filter) => PacketFilter.Compile(filter, linkType).Program;
