using System.Globalization;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>One line of /proc/PID/net/tcp or tcp6.</summary>
internal readonly record struct TcpSocketRow(FlowEndpoint Local, FlowEndpoint Peer, TcpState State, long Inode);

/// <summary>The kernel's TCP sockets of a network namespace, as proc_net_tcp(5) prints them.</summary>
internal static class TcpSocketTable
{
    /// <summary>Every socket of <paramref name="pid"/>'s network namespace, IPv4 and IPv6.</summary>
    internal static List<TcpSocketRow> Read(int pid)
    {
        var rows = new List<TcpSocketRow>();
        foreach (string name in (ReadOnlySpan<string>)["tcp", "tcp6"])
        {
            string path = $"/proc/{pid}/net/{name}";
            if (!File.Exists(path))
            {
                continue;
            }

            foreach (string line in File.ReadLines(path).Skip(1))
            {
                if (TryParse(line, out TcpSocketRow row))
                {
                    rows.Add(row);
                }
            }
        }

        return rows;
    }

    /// <summary>False for a line that is not one of the table's.</summary>
    internal static bool TryParse(string line, out TcpSocketRow row)
    {
        row = default;
        string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 10 || !TryParseEndpoint(fields[1], out FlowEndpoint local) || !TryParseEndpoint(fields[2], out FlowEndpoint peer)
            || !byte.TryParse(fields[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out byte state)
            || !long.TryParse(fields[9], NumberStyles.None, CultureInfo.InvariantCulture, out long inode))
        {
            return false;
        }

        // 12 is TCP_NEW_SYN_RECV, a half-open connection without a socket of its own.
        row = new TcpSocketRow(local, peer, state is >= 1 and <= 11 ? (TcpState)state : TcpState.SynReceived, inode);
        return true;
    }

    /// <summary>An address is printed as 32-bit words in host order, four bytes each, and the port as a number.</summary>
    private static bool TryParseEndpoint(string text, out FlowEndpoint endpoint)
    {
        endpoint = default;
        int colon = text.IndexOf(':');
        if (colon is not (8 or 32)
            || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ushort port))
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        for (int i = 0; i < colon / 8; i++)
        {
            if (!uint.TryParse(text.AsSpan(i * 8, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out uint word))
            {
                return false;
            }

            BitConverter.TryWriteBytes(bytes[(i * 4)..], word);
        }

        endpoint = new FlowEndpoint(colon == 8 ? IpAddress.FromBytes(bytes[..4]) : SocketAddress.FromIpv6(bytes), port);
        return true;
    }
}
