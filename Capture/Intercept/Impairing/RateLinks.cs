using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Links of a limited rate: each packet begins when those before it are through, and is through when its bits are. A queue of packets waits before each; what comes
/// beyond it is dropped. Pure: time is an argument.
/// <para>Threads: one at a time. Links beyond <see cref="MaxLinks"/> share one, so that a port scan can't fill the memory.</para>
/// </summary>
public sealed class RateLinks
{
    /// <summary>Links told apart.</summary>
    public const int MaxLinks = 65536;

    private readonly Dictionary<LinkKey, Link> _links = [];
    private readonly long _rate;
    private readonly int _limit;
    private readonly RateScope _scope;

    /// <summary>Takes the rate, its scope and its queue from the options.</summary>
    public RateLinks(ImpairmentOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Rate, nameof(options));
        _rate = options.Rate;
        _limit = options.RateLimit;
        _scope = options.RateScope;
    }

    /// <summary>Takes a packet onto its link; false if the queue before it is full.</summary>
    /// <param name="flow">From whom to whom.</param>
    /// <param name="hook">Where it was taken.</param>
    /// <param name="device">Index of the interface that it leaves or came in by.</param>
    /// <param name="bytes">Its length from the IP header on.</param>
    /// <param name="now">The time (nanoseconds, monotonic).</param>
    /// <param name="through">When its last bit is through.</param>
    public bool TryAdmit(in FlowKey flow, FirewallHook hook, int device, int bytes, long now, out long through)
    {
        Link link = Find(_scope == RateScope.Link ? new LinkKey(hook, device, default) : new LinkKey(hook, 0, flow));
        while (link.Waiting.TryPeek(out long first) && first <= now)
        {
            link.Waiting.Dequeue();
        }

        // The first of them is not waiting, it is on its way.
        if (link.Waiting.Count > _limit)
        {
            through = 0;
            return false;
        }

        long start = Math.Max(now, link.Free);

        // What is less than a nanosecond is carried on, so that the rate is exact in the long run.
        Int128 bits = ((Int128)bytes * 8 * CaptureTimestamp.NanosecondsPerSecond) + (start == link.Free ? link.Rest : 0);
        link.Free = start + (long)(bits / _rate);
        link.Rest = (long)(bits % _rate);
        link.Waiting.Enqueue(link.Free);
        through = link.Free;
        return true;
    }

    private Link Find(LinkKey key)
    {
        if (_links.TryGetValue(key, out Link? link))
        {
            return link;
        }

        if (_links.Count >= MaxLinks && _links.TryGetValue(key = default, out link))
        {
            return link;
        }

        link = new Link();
        _links.Add(key, link);
        return link;
    }

    private readonly record struct LinkKey(FirewallHook Hook, int Device, FlowKey Flow);

    private sealed class Link
    {
        // When each packet that is on the link or waits for it is through.
        internal Queue<long> Waiting { get; } = new();

        internal long Free { get; set; }

        internal long Rest { get; set; }
    }
}
