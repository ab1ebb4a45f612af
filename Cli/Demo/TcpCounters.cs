using System.Globalization;
using Interceptor.Interop;

namespace Interceptor.Cli.Demo;

/// <summary>The kernel's own TCP counters of one namespace (/proc/net/snmp, RFC 4022 names).</summary>
/// <param name="RetransmittedSegments">RetransSegs.</param>
/// <param name="SentResets">OutRsts.</param>
/// <param name="ResetConnections">EstabResets: established connections that ended by a reset, sent or received.</param>
internal readonly record struct TcpCounters(long RetransmittedSegments, long SentResets, long ResetConnections)
{
    internal static TcpCounters Read(NetworkNamespace network) => network.Run(() => Parse(File.ReadAllLines("/proc/thread-self/net/snmp")));

    public static TcpCounters operator -(TcpCounters later, TcpCounters earlier) => new(
        later.RetransmittedSegments - earlier.RetransmittedSegments,
        later.SentResets - earlier.SentResets,
        later.ResetConnections - earlier.ResetConnections);

    public static TcpCounters operator +(TcpCounters one, TcpCounters other) => new(
        one.RetransmittedSegments + other.RetransmittedSegments,
        one.SentResets + other.SentResets,
        one.ResetConnections + other.ResetConnections);

    /// <summary>Two lines of a protocol: its counters' names, then their values.</summary>
    internal static TcpCounters Parse(IReadOnlyList<string> lines)
    {
        string[][] rows = [.. lines.Where(line => line.StartsWith("Tcp: ", StringComparison.Ordinal)).Select(line => line.Split(' '))];
        return rows.Length == 2
            ? new TcpCounters(Value("RetransSegs"), Value("OutRsts"), Value("EstabResets"))
            : throw new DemoException("/proc/net/snmp has no TCP counters.");

        long Value(string name)
        {
            int column = Array.IndexOf(rows[0], name);
            return column > 0 && column < rows[1].Length
                ? long.Parse(rows[1][column], CultureInfo.InvariantCulture)
                : throw new DemoException($"/proc/net/snmp has no counter {name}.");
        }
    }
}
