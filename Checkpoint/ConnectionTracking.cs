using System.Globalization;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>What a network namespace's connection tracking made of a restored connection.</summary>
public enum TrackingOutcome
{
    /// <summary>Nothing is tracked here, or the connection's handshake is still to come.</summary>
    NotNeeded,

    /// <summary>It has an entry already, as in the namespace that the connection was always in.</summary>
    Known,

    /// <summary>An entry was made.</summary>
    Inserted,

    /// <summary>The kernel took no entry.</summary>
    Refused,
}

/// <summary>
/// Makes a restored connection known to connection tracking (nf_conntrack), which did not see its handshake here. Where it takes up no connection from the middle
/// (<c>net.netfilter.nf_conntrack_tcp_loose=0</c>), rules that drop what is INVALID would end it otherwise; elsewhere rules would take its first packet for a NEW one.
/// Works in the calling thread's network namespace. Any thread.
/// </summary>
public static class ConnectionTracking
{
    private const string Settings = "/proc/sys/net/netfilter/nf_conntrack_";
    private const uint UsualTimeout = 432_000;

    /// <summary>
    /// True if the namespace tracks connections as far as can be told: it refuses those whose handshake it did not see, or has some. Whether any rule uses tracking the kernel does not say
    /// (nfnetlink_hook, where it is built, would); an entry that nobody looks at does no harm.
    /// </summary>
    public static bool IsActive => IsStrict || Read("count") is > 0;

    /// <summary>True if tracking takes up no connection whose handshake it did not see.</summary>
    public static bool IsStrict => Read("tcp_loose") == 0;

    /// <summary>Makes the connection known, unless it is. To be called before its first packet.</summary>
    /// <param name="snapshot">The connection.</param>
    /// <param name="reason">Where the kernel took no entry: why not. Otherwise empty.</param>
    public static TrackingOutcome Ensure(TcpSnapshot snapshot, out string reason)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        reason = "";
        if (!IsActive || StateOf(snapshot.State) is not (byte state, string timeout))
        {
            return TrackingOutcome.NotNeeded;
        }

        try
        {
            using ConntrackNetlink table = ConntrackNetlink.Open();
            ConntrackTuple tuple = TupleOf(snapshot);
            int errno = table.Find(tuple);
            if (errno == Errno.ENOENT)
            {
                errno = table.Insert(tuple, new ConntrackTcp(
                    state, Read(timeout) is > 0 and { } seconds ? (uint)seconds : UsualTimeout,
                    (byte)snapshot.RcvWindowScale, (byte)snapshot.SndWindowScale, snapshot.WindowScaling, snapshot.SackPermitted));
                if (errno == 0)
                {
                    return TrackingOutcome.Inserted;
                }
            }

            if (errno is 0 or Errno.EEXIST)
            {
                return TrackingOutcome.Known;
            }

            reason = new LinuxException(errno, "insert", "the connection tracking table").Message;
        }
        catch (LinuxException exception)
        {
            reason = exception.Message;
        }

        return TrackingOutcome.Refused;
    }

    /// <summary>Whether the table can be asked here (ctnetlink, CAP_NET_ADMIN); it is not changed.</summary>
    internal static bool CanAsk(TcpSnapshot snapshot)
    {
        try
        {
            using ConntrackNetlink table = ConntrackNetlink.Open();
            return table.Find(TupleOf(snapshot)) is 0 or Errno.ENOENT;
        }
        catch (LinuxException)
        {
            return false;
        }
    }

    private static ConntrackTuple TupleOf(TcpSnapshot snapshot) =>
        new(Bytes(snapshot.Local.Address), snapshot.Local.Port, Bytes(snapshot.Peer.Address), snapshot.Peer.Port);

    private static byte[] Bytes(IpAddress address)
    {
        var bytes = new byte[address.Length];
        address.CopyTo(bytes);
        return bytes;
    }

    /// <summary>Tracking's number and timeout for a state of one end (net/netfilter/nf_conntrack_proto_tcp.c); null before the handshake's end.</summary>
    private static (byte State, string Timeout)? StateOf(TcpState state) => state switch
    {
        TcpState.Established => (3, "tcp_timeout_established"),
        TcpState.FinWait1 => (4, "tcp_timeout_fin_wait"),
        TcpState.FinWait2 or TcpState.CloseWait => (5, "tcp_timeout_close_wait"),
        TcpState.Closing or TcpState.LastAck => (6, "tcp_timeout_last_ack"),
        _ => null,
    };

    private static long? Read(string name)
    {
        try
        {
            return long.TryParse(File.ReadAllText(Settings + name).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The kernel has no connection tracking, or it is not loaded.
            return null;
        }
    }
}
