using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Interceptor.Capture.Intercept;

public sealed partial class InterceptionQueue
{
    private int _isEnumerated;

    /// <summary>
    /// The packets as they come, each to be decided by whoever gets it: at once, or later by keeping it (<see cref="InterceptedPacket.Keep"/>). One that is undecided when the
    /// next is asked for gets the queue's default. Ends when it is cancelled, which is not an error; what came by then and was not read gets the default, too.
    /// <para>Threads: a thread of its own receives and copies the packets; between it and the reader is a bounded channel. While that is full packets wait in the kernel, and
    /// beyond its queue's length the kernel drops them, or passes them by <see cref="InterceptionQueueFlags.FailOpen"/>. Verdicts leave when the next packet is asked for, or by
    /// <see cref="FlushVerdicts"/>. One enumeration at a time, and nobody else calls <see cref="Receive"/> meanwhile. For the least cost for each packet use
    /// <see cref="Receive"/> with a handler.</para>
    /// </summary>
    /// <param name="capacity">Packets that may wait for the reader, with a copy of their bytes.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="InvalidOperationException">It is enumerated already.</exception>
    /// <exception cref="Interop.LinuxException">The queue can't be read any more.</exception>
    public async IAsyncEnumerable<InterceptedPacket> ReadAllAsync(int capacity = 1024, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        if (Interlocked.Exchange(ref _isEnumerated, 1) != 0)
        {
            throw new InvalidOperationException($"Queue {Number} is read by someone already.");
        }

        var channel = Channel.CreateBounded<InterceptedPacket>(new BoundedChannelOptions(capacity) { SingleReader = true, SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using CancellationTokenRegistration wake = stop.Token.Register(Wake);
        var late = new List<InterceptedPacket>();
        var receiver = new Thread(() => ReceiveInto(channel.Writer, late, stop.Token)) { IsBackground = true, Name = $"queue {Number}" };
        receiver.Start();
        try
        {
            while (await channel.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
            {
                while (!stop.IsCancellationRequested && channel.Reader.TryRead(out InterceptedPacket? packet))
                {
                    using (packet)
                    {
                        yield return packet;
                    }

                    FlushVerdicts();
                }

                if (stop.IsCancellationRequested)
                {
                    break;
                }
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            receiver.Join();
            while (channel.Reader.TryRead(out InterceptedPacket? packet))
            {
                packet.Dispose();
            }

            // They came behind those.
            late.ForEach(packet => packet.Dispose());
            FlushVerdicts();
            _isEnumerated = 0;
        }
    }

    private void ReceiveInto(ChannelWriter<InterceptedPacket> writer, List<InterceptedPacket> late, CancellationToken stop)
    {
        Exception? failure = null;
        InterceptedPacketHandler hand = lent => Hand(lent.Keep(), writer, late, stop);
        try
        {
            while (!stop.IsCancellationRequested)
            {
                Receive(hand);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            failure = exception;
        }

        writer.Complete(failure);
    }

    private static void Hand(InterceptedPacket packet, ChannelWriter<InterceptedPacket> writer, List<InterceptedPacket> late, CancellationToken stop)
    {
        while (late.Count > 0 || !writer.TryWrite(packet))
        {
            if (stop.IsCancellationRequested)
            {
                late.Add(packet);
                return;
            }

            try
            {
                writer.WaitToWriteAsync(stop).AsTask().GetAwaiter().GetResult();
            }
            catch (OperationCanceledException)
            {
                // The next turn puts it aside.
            }
        }
    }
}
