using System.Runtime.InteropServices;
using Interceptor.Interop;

namespace Interceptor.Capture.Injection;

/// <summary>Counts for <see cref="InjectionStatistics"/>. One thread writes; <see cref="Snapshot"/> may be taken on any.</summary>
internal sealed class InjectionCounter
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _failures = [];
    private readonly Dictionary<int, string> _reasons = [];
    private long _packets;
    private long _bytes;
    private long _failed;
    private long _queueWaits;

    internal void Sent(int packets, long bytes)
    {
        Interlocked.Add(ref _packets, packets);
        Interlocked.Add(ref _bytes, bytes);
    }

    internal void QueueWait() => Interlocked.Increment(ref _queueWaits);

    internal void Failed(int errno, int packets = 1)
    {
        if (!_reasons.TryGetValue(errno, out string? reason))
        {
            reason = errno == Errno.EMSGSIZE ? "longer than the interface takes (MTU)" : $"{Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})";
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
                QueueWaits = Interlocked.Read(ref _queueWaits),
                Failures = [.. _failures.Select(static failure => new InjectionFailure(failure.Key, failure.Value))],
            };
        }
    }
}
