using System.Runtime.InteropServices;
using Interceptor.Interop;

namespace Interceptor.Capture.Injection;

/// <summary>Counts for <see cref="InjectionStatistics"/>. One thread writes; <see cref="Snapshot"/> may be taken on any.</summary>
/// <param name="mtu">The interface's MTU; null where packets go out by more than one.</param>
internal sealed class InjectionCounter(int? mtu = null)
{
    private readonly string _tooLong = mtu is { } length ? $"longer than the interface's MTU of {length} bytes" : "longer than the interface takes (MTU)";
    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _failures = [];
    private readonly Dictionary<int, string> _reasons = [];
    private long _packets;
    private long _bytes;
    private long _failed;
    private long _deviceQueueWaits;
    private long _socketBufferWaits;

    internal void Sent(int packets, long bytes)
    {
        Interlocked.Add(ref _packets, packets);
        Interlocked.Add(ref _bytes, bytes);
    }

    internal void QueueWait(int errno) => Interlocked.Increment(ref errno == Errno.ENOBUFS ? ref _deviceQueueWaits : ref _socketBufferWaits);

    internal void Failed(int errno, int packets = 1)
    {
        if (!_reasons.TryGetValue(errno, out string? reason))
        {
            reason = errno == Errno.EMSGSIZE ? _tooLong : $"{Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})";
            _reasons.Add(errno, reason);
        }

        Failed(reason, packets);
    }

    internal void Failed(string reason, int packets = 1)
    {
        Interlocked.Add(ref _failed, packets);
        lock (_lock)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_failures, reason, out _) += packets;
        }
    }

    internal InjectionStatistics Snapshot()
    {
        lock (_lock)
        {
            return new InjectionStatistics
            {
                SentPackets = Interlocked.Read(ref _packets),
                SentBytes = Interlocked.Read(ref _bytes),
                FailedPackets = Interlocked.Read(ref _failed),
                DeviceQueueWaits = Interlocked.Read(ref _deviceQueueWaits),
                SocketBufferWaits = Interlocked.Read(ref _socketBufferWaits),
                Failures = [.. _failures.Select(failure => new InjectionFailure(failure.Key, failure.Value, failure.Key == _tooLong ? mtu : null))],
            };
        }
    }
}
