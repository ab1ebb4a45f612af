using System.Diagnostics;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>How the keeping of a peer ended.</summary>
public enum PeerKeeperEnd
{
    /// <summary>It was told to stop; the lock stays, and nobody answers the peer any more.</summary>
    Stopped,

    /// <summary>The image was restored: its socket answers.</summary>
    Restored,

    /// <summary>The peer has reset the connection.</summary>
    Reset,
}

/// <summary>
/// Keeps the peer of a connection that exists only as an image from giving up: each of its packets that wants an answer gets an acknowledgement with a window of zero, as of a socket
/// whose reader is slow. The peer's packets come through a queue whose rule is part of the image's lock, so the restore takes it away with the lock, and if this process is killed, what
/// comes is dropped as without it.
/// <para>Owner: whoever took the checkpoint; dispose it. Threads: one.</para>
/// </summary>
public sealed class PeerKeeper : IDisposable
{
    private const long LookNanoseconds = 50_000_000;
    private static readonly TimeSpan RestorePatience = TimeSpan.FromSeconds(1);
    private readonly InterceptionQueue _queue;
    private readonly FirewallRules _rules;
    private readonly PeerAnswerer _answerer;
    private readonly NetworkNamespace _namespace;

    private bool _isRestored;

    private PeerKeeper(InterceptionQueue queue, FirewallRules rules, PeerAnswerer answerer, NetworkNamespace networkNamespace)
    {
        _queue = queue;
        _rules = rules;
        _answerer = answerer;
        _namespace = networkNamespace;
    }

    /// <summary>Answers that were sent.</summary>
    public long Answers => _answerer.Answers;

    /// <summary>Opens the queue and installs its rule ahead of the lock's, which must be there. Takes its own hold of the namespace.</summary>
    internal static PeerKeeper Start(SessionImage image, NetworkNamespace networkNamespace)
    {
        var own = NetworkNamespace.Open(networkNamespace.Path);
        InterceptionQueue? queue = null;
        PeerAnswerer? answerer = null;
        try
        {
            queue = own.Run(() => FreeQueue.Open(static number => InterceptionQueue.Open(new InterceptionQueueOptions { Number = number })));
            answerer = PeerAnswerer.Open(image, own);
            var fromPeer = new FirewallMatch
            {
                Flow = new FlowKey(image.Snapshot.Peer, image.Snapshot.Local, (byte)IpProtocol.Tcp),
                ExceptMark = FirewallMatch.OwnMark,
            };
            var rules = FirewallRules.Install(
                [new FirewallRule(FirewallHook.Prerouting, fromPeer, FirewallTarget.ToQueue(queue.Number, bypass: false))],
                new FirewallOptions { Namespace = own, LockId = image.Id });
            return new PeerKeeper(queue, rules, answerer, own);
        }
        catch
        {
            answerer?.Dispose();
            queue?.Dispose();
            own.Dispose();
            throw;
        }
    }

    /// <summary>Answers the peer until the image is restored, the peer is gone, or it is told to stop.</summary>
    /// <param name="directory">The image.</param>
    /// <param name="stop">Ends it.</param>
    public PeerKeeperEnd Run(string directory, CancellationToken stop)
    {
        using CancellationTokenRegistration wake = stop.Register(_queue.Wake);
        InterceptedPacketHandler handler = packet =>
        {
            _answerer.Observe(packet.Data, packet.OriginalLength);
            packet.Drop();
        };
        long markedAt = 0;
        while (!stop.IsCancellationRequested)
        {
            _queue.Receive(handler, LookNanoseconds);
            if (SessionRestoreMark.ReadFrom(directory) is not null)
            {
                // A restore that fails takes its mark back.
                markedAt = markedAt == 0 ? Stopwatch.GetTimestamp() : markedAt;
                if (Stopwatch.GetElapsedTime(markedAt) > RestorePatience)
                {
                    _isRestored = true;
                    return PeerKeeperEnd.Restored;
                }

                continue;
            }

            markedAt = 0;
            if (_answerer.IsReset)
            {
                return PeerKeeperEnd.Reset;
            }

            _answerer.Answer();
        }

        return PeerKeeperEnd.Stopped;
    }

    /// <summary>Removes the rule, unless the image is restored, which does that with the lock, and closes the queue. What comes then meets the lock, if it is there.</summary>
    /// <exception cref="FirewallException">The rule could not be removed; what it takes is dropped.</exception>
    public void Dispose()
    {
        try
        {
            if (!_isRestored)
            {
                _rules.Remove();
            }
        }
        finally
        {
            _queue.Dispose();
            _answerer.Dispose();
            _namespace.Dispose();
        }
    }
}
