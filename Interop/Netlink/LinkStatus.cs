namespace Interceptor.Interop;

/// <summary>An interface at one instant.</summary>
/// <param name="Name">Its name, which may change.</param>
/// <param name="IsUp">It is switched on (IFF_UP).</param>
/// <param name="Kind">Its driver as rtnetlink names it (<c>veth</c>, <c>dummy</c>, ...); empty for loopback and hardware.</param>
/// <param name="Counters">What went through it.</param>
internal sealed record LinkStatus(string Name, bool IsUp, string Kind, LinkCounters Counters);

/// <summary>Counters of an interface since it was made; they can be compared, not added up over interfaces.</summary>
/// <param name="Received">Packets in.</param>
/// <param name="Sent">Packets out.</param>
/// <param name="Dropped">
/// Packets in that were lost before anything could see them: by the hardware (missed, fifo errors) or on the way into the stack (dropped, as where the
/// backlog of a processor is full).
/// </param>
internal readonly record struct LinkCounters(long Received, long Sent, long Dropped);
