using System.Globalization;
using Interceptor.Interop;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>What the TCP of a namespace has counted since it was made, by the names of /proc/net/snmp (Tcp) and /proc/net/netstat (TcpExt).</summary>
internal sealed class KernelCounters
{
    private readonly Dictionary<string, long> _values = [];

    private KernelCounters()
    {
    }

    internal long this[string name] => _values[name];

    internal static KernelCounters Read(NetworkNamespace host) => host.Run(() =>
    {
        var counters = new KernelCounters();
        counters.Add("/proc/thread-self/net/snmp", "Tcp:");
        counters.Add("/proc/thread-self/net/netstat", "TcpExt:");
        return counters;
    });

    // A line of names, then one of values.
    private void Add(string path, string prefix)
    {
        string[][] lines = [.. File.ReadLines(path).Select(line => line.Split(' ')).Where(words => words[0] == prefix)];
        foreach ((string name, string value) in lines[0].Zip(lines[1]).Skip(1))
        {
            _values.Add(name, long.Parse(value, CultureInfo.InvariantCulture));
        }
    }
}
