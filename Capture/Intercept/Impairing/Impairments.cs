using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Decides what happens to each packet. Pure: a choice depends on the seed, the flow's place in order of first sight, the direction within the flow, the hook
/// and the packet's number there, and on nothing else; so a run repeats although ports and times differ. (A rate is no choice: <see cref="RateLinks"/>.)
/// <para>Threads: one at a time. A known flow costs no allocation.</para>
/// </summary>
public sealed class Impairments
{
    /// <summary>Flows told apart; later ones share one set of counters, so that a port scan can't fill the memory.</summary>
    public const int MaxFlows = 65536;

    private const int HookCount = 5;
    private const long NanosecondsPerTick = 100;
    private const ulong LossStream = 1;
    private const ulong DelayStream = 2;
    private const ulong StateStream = 3;
    private const ulong DuplicateStream = 4;
    private const ulong ReorderStream = 5;
    private const ulong CorruptStream = 6;
    private const ulong CorruptBitStream = 7;
    private const ulong SecondDelayStream = 8;

    // Of a Pareto distribution with shape 3 and scale 1.
    private const double ParetoShape = 3;
    private const double ParetoMean = 1.5;
    private static readonly double ParetoDeviation = Math.Sqrt(0.75);

    private readonly Dictionary<FlowKey, Flow> _flows = [];
    private readonly ImpairmentOptions _options;
    private readonly bool _isNone;
    private readonly long _delay;
    private readonly double _jitter;
    private readonly long _synDelay;
    private readonly long _finDelay;
    private readonly double _innovation;

    /// <summary>Takes the options.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A probability is none, a time is negative, or something does not go together.</exception>
    public Impairments(ImpairmentOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _isNone = options.IsNone;
        _delay = options.Delay.Ticks * NanosecondsPerTick;
        _jitter = options.Jitter.Ticks * NanosecondsPerTick;
        _synDelay = options.SynDelay.Ticks * NanosecondsPerTick;
        _finDelay = options.FinDelay.Ticks * NanosecondsPerTick;
        _innovation = Math.Sqrt(1 - (options.DelayCorrelation * options.DelayCorrelation));
    }

    /// <summary>The next packet of a flow at a hook. A packet without a flow (not IP, or damaged) belongs to the default key.</summary>
    /// <param name="flow">From whom to whom.</param>
    /// <param name="hook">Where it was taken.</param>
    /// <param name="flags">Its TCP flags; none for other protocols.</param>
    public ImpairmentDecision Decide(in FlowKey flow, FirewallHook hook, TcpFlags flags = default) => Decide(FindLane(in flow, hook), flags);

    /// <summary>The next packet of a lane.</summary>
    internal ImpairmentDecision Decide(PacketLane lane, TcpFlags flags)
    {
        ulong key = lane.Key ^ (ulong)lane.Packets++;
        if (_options.Drop)
        {
            return new ImpairmentDecision(true, 0);
        }

        if (_isNone)
        {
            return default;
        }

        if (IsLost(lane, key))
        {
            return new ImpairmentDecision(true, 0);
        }

        bool overtakes = Overtakes(lane, key);
        return new ImpairmentDecision(false, (overtakes ? 0 : DelayOf(lane, key)) + ExtraDelayOf(flags))
        {
            Duplicate = Happens(_options.Duplicate, key, DuplicateStream),
            Overtakes = overtakes,
            Corrupt = Happens(_options.Corrupt, key, CorruptStream),
            CorruptBit = _options.Corrupt > 0 ? (uint)Mix(Mix(key) ^ CorruptBitStream) : 0,
        };
    }

    private bool IsLost(PacketLane lane, ulong key)
    {
        if (_options.LossModel is { } model)
        {
            // As tc-netem's gemodel: first the loss by the state that was, then the state that comes.
            double change = Uniform(key, StateStream);
            bool isLost = Uniform(key, LossStream) < (lane.IsBad ? model.BadLoss : model.GoodLoss);
            lane.IsBad = lane.IsBad ? change >= model.ToGood : change < model.ToBad;
            return isLost;
        }

        if (_options.Loss == 0)
        {
            return false;
        }

        // A chain of two states whose share is the loss and whose correlation is the one asked for.
        double stay = lane.Packets > 1 ? _options.LossCorrelation : 0;
        double probability = (_options.Loss * (1 - stay)) + (lane.WasLost ? stay : 0);
        lane.WasLost = Uniform(key, LossStream) < probability;
        return lane.WasLost;
    }

    private bool Overtakes(PacketLane lane, ulong key)
    {
        if (_options.Reorder == 0)
        {
            return false;
        }

        lane.SinceOvertaking++;
        if (lane.SinceOvertaking < _options.ReorderGap || !Happens(_options.Reorder, key, ReorderStream))
        {
            return false;
        }

        lane.SinceOvertaking = 0;
        return true;
    }

    private long ExtraDelayOf(TcpFlags flags) =>
        ((flags & (TcpFlags.Syn | TcpFlags.Ack)) == TcpFlags.Syn ? _synDelay : 0) + ((flags & TcpFlags.Fin) != 0 ? _finDelay : 0);

    private long DelayOf(PacketLane lane, ulong key)
    {
        if (_jitter == 0)
        {
            return _delay;
        }

        double even = Uniform(key, DelayStream);
        double normal = 0;
        if (_options.DelayCorrelation > 0 || _options.Distribution == DelayDistribution.Normal)
        {
            normal = NormalDistribution.FromUniform(1 - even, Uniform(key, SecondDelayStream));
            if (_options.DelayCorrelation > 0)
            {
                // A Gaussian chain keeps its distribution; any other follows from it by the distribution functions.
                normal = lane.Packets > 1 ? (_options.DelayCorrelation * lane.LastNormal) + (_innovation * normal) : normal;
                lane.LastNormal = normal;
                even = NormalDistribution.Cumulative(normal);
            }
        }

        double deviation = _options.Distribution switch
        {
            DelayDistribution.Normal => normal,
            DelayDistribution.Pareto => (Math.Pow(1 - Math.Min(even, LargestEven), -1 / ParetoShape) - ParetoMean) / ParetoDeviation,
            _ => (2 * even) - 1,
        };
        return Math.Max(_delay + (long)(deviation * _jitter), 0);
    }

    // Beyond it a Pareto distribution says more than a hundred times the jitter.
    private const double LargestEven = 1 - 1e-6;

    /// <summary>Where a packet belongs.</summary>
    internal PacketLane FindLane(in FlowKey flow, FirewallHook hook)
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
                known = new Flow(_flows.Count, swapped);
                _flows.Add(canonical, known);
            }
        }

        int direction = swapped == known.FirstWasSwapped ? 0 : 1;
        int lane = (direction * HookCount) + Math.Min((int)hook, HookCount - 1);
        return known.Lanes[lane] ??= new PacketLane(known.Ordinal, direction, hook) { Key = Mix(Mix(Mix(_options.Seed) ^ (ulong)known.Ordinal) ^ (ulong)lane) };
    }

    private static bool Happens(double probability, ulong key, ulong stream) => probability > 0 && Uniform(key, stream) < probability;

    // In [0, 1).
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

    private sealed class Flow(long ordinal, bool firstWasSwapped)
    {
        internal long Ordinal { get; } = ordinal;

        internal bool FirstWasSwapped { get; } = firstWasSwapped;

        internal PacketLane?[] Lanes { get; } = new PacketLane?[2 * HookCount];
    }
}
