using System.Collections.Immutable;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// The sockets of one pair of ends: one, or as many as share a port (SO_REUSEPORT).
/// <para>Threads: the one that refreshes; <see cref="Owner"/> is read on any.</para>
/// </summary>
internal sealed class SocketEntry
{
    private readonly List<SocketHolders.Record> _holders = new(1);
    private volatile SocketOwnerInfo? _owner;
    private uint _uid;
    private ulong _cgroup;
    private int _round;
    private int _seen;
    private int _builtVersion = -1;
    private bool _isChanged;
    private long _closedAt = long.MaxValue;
    private long _lookedAt = long.MinValue;
    private long _seenAt = long.MinValue;

    /// <summary>Whose it is, as of the last refresh; null before the first that saw it has ended.</summary>
    internal SocketOwnerInfo? Owner => _owner;

    internal bool IsSeenIn(int round) => _round == round;

    /// <summary>The listing of this round has a socket with these ends.</summary>
    /// <param name="round">The listing.</param>
    /// <param name="instant">Now, nanoseconds since the epoch.</param>
    /// <param name="holders">Who has it.</param>
    /// <param name="uid">Who made it.</param>
    /// <param name="cgroup">Where it was made.</param>
    internal void See(int round, long instant, SocketHolders.Record holders, uint uid, ulong cgroup)
    {
        _seenAt = instant;
        if (_round != round)
        {
            _round = round;
            _seen = 0;
        }

        if (_seen >= _holders.Count || _holders[_seen] != holders)
        {
            _holders.RemoveRange(_seen, _holders.Count - _seen);
            _holders.Add(holders);
            _isChanged = true;
        }

        _isChanged |= uid != _uid || cgroup != _cgroup;
        _uid = uid;
        _cgroup = cgroup;
        _seen++;
        _closedAt = long.MaxValue;
    }

    /// <summary>A look at these ends alone found this socket: whatever was there before is gone.</summary>
    internal void Replace(int round, long instant, SocketHolders.Record holders, uint uid, ulong cgroup)
    {
        if (_holders.Count != 1 || _holders[0] != holders)
        {
            _holders.Clear();
        }

        _round = 0;
        See(round, instant, holders, uid, cgroup);
    }

    /// <summary>A look at these ends alone found nothing: the socket is gone, and nobody knows whose it was, unless a listing had it since it was opened.</summary>
    internal void Vanish(CaptureTimestamp opened)
    {
        if (_seenAt >= opened.Nanoseconds)
        {
            return;
        }

        _holders.Clear();
        _owner = null;
        _isChanged = true;
    }

    /// <summary>Nanoseconds since the epoch when these ends alone were last looked at with a result. Any thread.</summary>
    internal long LookedAt
    {
        get => Volatile.Read(ref _lookedAt);
        set => Volatile.Write(ref _lookedAt, value);
    }

    /// <summary>After the listing: tells anew whose it is, if that has changed.</summary>
    internal void Update(CgroupTree cgroups, long now)
    {
        if (_seen < _holders.Count)
        {
            _holders.RemoveRange(_seen, _holders.Count - _seen);
            _isChanged = true;
        }

        int version = 0;
        foreach (SocketHolders.Record holders in _holders)
        {
            if (!holders.IsKnown)
            {
                return;
            }

            version += holders.Version;
        }

        if (_isChanged || version != _builtVersion)
        {
            _owner = new SocketOwnerInfo(_uid, _cgroup, cgroups.PathOf(_cgroup, now), Processes());
            _builtVersion = version;
            _isChanged = false;
        }
    }

    /// <summary>Nanoseconds since a listing first was without it.</summary>
    internal long ClosedFor(long now)
    {
        _closedAt = Math.Min(_closedAt, now);
        return now - _closedAt;
    }

    private ImmutableArray<SocketProcess> Processes() => _holders.Count == 1
        ? _holders[0].Holders
        : [.. _holders.SelectMany(static record => record.Holders).DistinctBy(static process => process.Pid).OrderBy(static process => process.Pid)];
}
