using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// The connections whose segments come to one worker, by their ends: bounded, and those that are over are forgotten.
/// <para>Pure: time is an argument. Threads: one at a time. A known connection costs no allocation.</para>
/// </summary>
/// <param name="rules">What is replaced.</param>
/// <param name="scratch">Shared by all connections.</param>
/// <param name="capacity">Connections at most; more pass as they are.</param>
internal sealed class ConnectionTable(ReplacementSet rules, EditingScratch scratch, int capacity = 65_536)
{
    /// <summary>How long a closed connection, a SYN without an answer or one that is left as it is stays known, ns: 60 s.</summary>
    internal const long ShortMemory = 60 * CaptureTimestamp.NanosecondsPerSecond;

    /// <summary>How long a silent open one does, ns: five days, as the kernel's connection tracking.</summary>
    internal const long LongMemory = 5 * 24 * 3600 * CaptureTimestamp.NanosecondsPerSecond;

    private const string Midstream = "its beginning was not seen.";
    private readonly Dictionary<FlowKey, ConnectionEditor> _connections = [];

    internal int Count => _connections.Count;

    internal IEnumerable<ConnectionEditor> All => _connections.Values;

    /// <summary>True if one that is new can't be taken.</summary>
    internal bool IsFull => _connections.Count >= capacity;

    /// <summary>The connection of a segment; null where the table is full and it is not among those in it.</summary>
    /// <param name="flow">From the segment's source to its destination.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="output">Gets what waited in a connection whose place is taken.</param>
    /// <param name="direction">0 from its initiator, 1 to it.</param>
    internal ConnectionEditor? Find(in FlowKey flow, in EditedSegment segment, IEditingOutput output, out int direction)
    {
        FlowKey key = flow.Canonical(out _);
        bool isSyn = (segment.Flags & TcpFlags.Syn) != 0;
        bool isAnswer = isSyn && (segment.Flags & TcpFlags.Ack) != 0;
        _connections.TryGetValue(key, out ConnectionEditor? known);
        direction = known is null || known.Flow == flow ? 0 : 1;
        if (known is not null && !isSyn)
        {
            return known;
        }

        if (known is null)
        {
            if (IsFull)
            {
                return null;
            }

            known = new ConnectionEditor(in flow, rules, scratch);
            if (!isSyn || isAnswer)
            {
                known.Refuse(Midstream, isMidstream: true);
            }

            _connections.Add(key, known);
            return known;
        }

        return isAnswer ? Answered(key, known, in flow, in segment, output, ref direction) : Begun(key, known, in flow, in segment, output, ref direction);
    }

    /// <summary>Forgets what is over; returns how many translated connections were among it.</summary>
    internal int Sweep(long now)
    {
        int translated = 0;
        foreach ((FlowKey key, ConnectionEditor connection) in _connections)
        {
            bool isLasting = connection.IsOpen && connection.Refusal is null && !connection.IsClosed;
            if (now - connection.LastSeen > (isLasting ? LongMemory : ShortMemory))
            {
                translated += isLasting && connection.IsTranslated ? 1 : 0;
                _connections.Remove(key);
            }
        }

        return translated;
    }

    // A SYN with another number begins a new connection: at once where the old one is over, else when it is answered, for anybody can send a SYN.
    private ConnectionEditor Begun(FlowKey key, ConnectionEditor known, in FlowKey flow, in EditedSegment segment, IEditingOutput output, ref int direction)
    {
        if (known.BeganWith(direction, segment.Tcp.Sequence) || (known.Refusal is null && !known.IsOpen && direction == 1))
        {
            return known;
        }

        if (known.Successor is { } waiting && waiting.BeganWith(0, segment.Tcp.Sequence))
        {
            direction = 0;
            return waiting;
        }

        var next = new ConnectionEditor(in flow, rules, scratch);
        direction = 0;
        if (known.Refusal is null && known.IsOpen && !known.IsClosed)
        {
            known.Successor = next;
            return next;
        }

        Replace(key, known, next, output);
        return next;
    }

    private ConnectionEditor Answered(FlowKey key, ConnectionEditor known, in FlowKey flow, in EditedSegment segment, IEditingOutput output, ref int direction)
    {
        if (known.Successor is not { } next)
        {
            return known;
        }

        int side = next.Flow == flow ? 0 : 1;
        if (!next.IsAnsweredBy(side, in segment))
        {
            return known;
        }

        direction = side;
        Replace(key, known, next, output);
        return next;
    }

    private void Replace(FlowKey key, ConnectionEditor known, ConnectionEditor next, IEditingOutput output)
    {
        known.Release(output);
        _connections[key] = next;
    }
}
