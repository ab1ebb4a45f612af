using System.Runtime.InteropServices;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Checkpoint;

/// <summary>
/// What sock_diag(7) shows of a connection and no packet, read or write leaves as it is. Two that are equal within a boot are of one socket to which nothing happened in between;
/// socket options are not among it.
/// </summary>
/// <param name="Cookie">The kernel's number of the socket, used once in a boot.</param>
/// <param name="SegmentsIn">tcpi_segs_in.</param>
/// <param name="SegmentsOut">tcpi_segs_out.</param>
/// <param name="ReceiveQueue">RCV.NXT less copied_seq.</param>
/// <param name="SendQueue">write_seq less SND.UNA.</param>
public readonly record struct SessionActivity(ulong Cookie, uint SegmentsIn, uint SegmentsOut, uint ReceiveQueue, uint SendQueue)
{
    /// <summary>Of an image just dumped.</summary>
    internal static SessionActivity Of(SessionImage image, ulong cookie) => new(
        cookie, image.Counters.SegmentsIn, image.Counters.SegmentsOut,
        (uint)(image.Snapshot.RcvNxt - image.Snapshot.CopiedSeq), (uint)(image.Snapshot.WriteSeq - image.Snapshot.SndUna));

    /// <summary>Of every connection in the calling thread's network namespace, by its ends.</summary>
    internal static Dictionary<(FlowEndpoint Local, FlowEndpoint Peer), SessionActivity> ReadAll()
    {
        var all = new Dictionary<(FlowEndpoint Local, FlowEndpoint Peer), SessionActivity>();
        using SocketDiagnostics diagnostics = SocketDiagnostics.Open();
        foreach (int family in (ReadOnlySpan<int>)[Libc.AF_INET, Libc.AF_INET6])
        {
            // False only of a kernel without IPv6.
            diagnostics.TryList(
                family, Libc.IPPROTO_TCP,
                (in SocketDiagnosticMessage socket) =>
                {
                    if (socket.TryReadInfo(out Libc.tcp_info info))
                    {
                        var local = new FlowEndpoint(IpAddress.FromBytes(socket.LocalAddress).Unmapped, socket.LocalPort);
                        var peer = new FlowEndpoint(IpAddress.FromBytes(socket.PeerAddress).Unmapped, socket.PeerPort);
                        all[(local, peer)] = new SessionActivity(MemoryMarshal.Read<ulong>(socket.Cookie), info.tcpi_segs_in, info.tcpi_segs_out, socket.ReceiveQueue, socket.SendQueue);
                    }
                },
                SocketDiagnostics.StatesWithPeer, SocketDiagnostics.Info);
        }

        return all;
    }
}
