using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// Hears of each TCP connection that is opened, at once: a capture beside the main one, of first segments alone, which the kernel hands over as they come, where
/// the main one gathers packets for some milliseconds and has a queue. The socket of a short connection is looked for while it is there.
/// <para>Threads: one in the background of its own. It belongs to the network namespace of the thread that starts it.</para>
/// </summary>
internal sealed class OpeningAlarm : IDisposable
{
    /// <summary>SYN without ACK: in IPv4 as libpcap finds it, in IPv6 directly behind the header (40 bytes), the flags being the 14th byte.</summary>
    private const string FirstSegments = "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn or (ip6[6] == 6 and ip6[53] & 0x12 == 2)";
    private const int HeadersLength = 128;
    private const int BufferBytes = 256 * 1024;
    private const int QueueBytes = 1024 * 1024;

    private readonly LivePacketSource _source;
    private readonly Thread _thread;

    private OpeningAlarm(LivePacketSource source, Action<SocketOpening> heard)
    {
        _source = source;
        _thread = new Thread(() => Listen(heard)) { IsBackground = true, Name = "openings" };
        _thread.Start();
    }

    /// <summary>Begins to listen; null where this process may not capture, or libpcap can't.</summary>
    /// <param name="heard">Called on the alarm's thread.</param>
    internal static OpeningAlarm? TryStart(Action<SocketOpening> heard)
    {
        try
        {
            return new OpeningAlarm(
                new LivePacketSource(LiveCapture.Open(new LiveCaptureOptions
                {
                    Interface = "any",
                    Filter = FirstSegments,
                    SnapLength = HeadersLength,
                    Promiscuous = false,
                    BufferBytes = BufferBytes,
                    QueueBytes = QueueBytes,
                    Immediate = true,
                })),
                heard);
        }
        catch (Exception exception) when (exception is LinuxException or FilterSyntaxException or DllNotFoundException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        _source.Capture.Stop();
        _thread.Join();
        _source.Dispose();
    }

    private void Listen(Action<SocketOpening> heard)
    {
        try
        {
            while (_source.TryRead(out CapturedPacket packet))
            {
                if (packet.Parse().TryGetFlow(out FlowKey flow))
                {
                    heard(new SocketOpening(flow, packet.Metadata.Timestamp));
                }
            }
        }
        catch (LinuxException)
        {
            // No interface is left: the main capture tells.
        }
    }
}
