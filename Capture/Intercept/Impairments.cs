using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Decides what happens to each packet. Pure: a choice depends on the seed, the flow's place in order of first sight, the direction within the flow, the hook
/// and the packet's number there, and on nothing else; so a run repeats although ports and times differ.
/// <para>Threads: one at a time. A known flow costs no allocation.</para>
/// </summary>
public sealed class Impairments
{
    /// <summary>Flows told apart; later ones share one set of counters, so that a port scan can't fill the memory.</summary>
    public const int MaxFlows = 65536;

    private const int HookCount = 5;
    private const ulong LossStream = 1;
    private const ulong DelayStream = 2;
    private readonly Dictionary<FlowKey, Flow> _flows = [];
    private readonly ImpairmentOptions _options;
    private readonly long _delay;
    private readonly long _jitter;

    /// <summary>Takes the options.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The loss is no probability, or a time is negative.</exception>
    public Impairments(ImpairmentOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!(options.Loss is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Loss, "The loss is a probability between 0 and 1.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(options.Delay, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Jitter, TimeSpan.Zero, nameof(options));
        _options = options;
        _delay = options.Delay.Ticks * 100;
        _jitter = options.Jitter.Ticks * 100;
    }

    /// <summary>The next packet of a flow at a hook. A packet without a flow (not IP, or damaged) belongs to the default key.</summary>
    public ImpairmentDecision Decide(in FlowKey flow, FirewallHook hook)
    {
        if (_options.Drop)
        {
            return new ImpairmentDecision(true, 0);
        }

        if (_options.IsNone)
        {
            return default;
        }

        ulong key = NextKey(flow, hook);
        if (_options.Loss > 0 && Uniform(key, LossStream) < _options.Loss)
        {
            return new ImpairmentDecision(true, 0);
        }

        long delay = _delay;
        if (_jitter > 0)
        {
            delay += (long)(((2 * Uniform(key, DelayStream)) - 1) * _jitter);
        }

        return new ImpairmentDecision(false, Math.Max(delay, 0));
    }

    private ulong NextKey(in FlowKey flow, FirewallHook hook)
    {
        FlowKey canonical = flow.Canonical(out bool swapped);
        if (!_flows.TryGetValue(canonical, out Flow? known))
        {
            // The one beyond the limit is for all that follow, under the key that no real flow has.
            if (_flows.Count >= MaxFlows && !_flows.TryGetValue(canonical = default, out known))
            {
                known = null;
            }

            if (known is null)
            {
                known = new Flow((ulong)_flows.Count, swapped);
                _flows.Add(canonical, known);
            }
        }

        int direction = swapped == known.FirstWasSwapped ? 0 : 1;
        int lane = (direction * HookCount) + Math.Min((int)hook, HookCount - 1);
        ulong number = known.Counters[lane]++;
        return Mix(Mix(Mix(_options.Seed) ^ known.Ordinal) ^ (ulong)lane) ^ number;
    }

    private static double Uniform(ulong key, ulong stream) => (Mix(Mix(key) ^ stream) >> 11) * (1.0 / (1UL << 53));

    // The finalizer of SplitMix64 (Steele, Lea, Flood 2014), after its increment.
    private static ulong Mix(ulong value)
    {
        unchecked
        {
            value += 0x9E3779B97F4A7C15;
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
            value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
            return value ^ (value >> 31);
        }
    }

    private sealed class Flow(ulong ordinal, bool firstWasSwapped)
    {
        internal ulong Ordinal { get; } = ordinal;

        internal bool FirstWasSwapped { get; } = firstWasSwapped;

        internal ulong[] Counters { get; } = new ulong[2 * HookCount];
    }
}
