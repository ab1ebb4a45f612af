using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// What a session decides by: its filter, its limit, its impairments and who watches. One for all its workers.
/// <para>Threads: one at a time, within <see cref="Enter"/> where several workers share it.</para>
/// </summary>
internal sealed class InterceptCourse
{
    private readonly Impairments _impairments;
    private readonly RateLinks? _links;
    private readonly Lock? _gate;
    private PacketFilter? _userSpaceFilter;
    private InterceptObserver? _observer;

    /// <param name="options">What is taken and done.</param>
    internal InterceptCourse(InterceptOptions options)
    {
        Options = options;
        _gate = options.QueueCount > 1 ? new Lock() : null;
        _impairments = new Impairments(options.Impairments);
        _links = options.Impairments.Rate > 0 ? new RateLinks(options.Impairments) : null;
        NeedsLanes = !options.IsLookingOnly || options.Record is not null;
        options.Record?.Begin(options.TakesSuperPackets);
    }

    internal InterceptOptions Options { get; }

    /// <summary>Something is done to packets, or written down, that depends on their connection.</summary>
    internal bool NeedsLanes { get; }

    internal bool FiltersInUserSpace => _userSpaceFilter is not null;

    internal bool IsObserved => _observer is not null;

    /// <summary>The end has come: no impairment any more.</summary>
    internal bool IsPassing { get; set; }

    /// <summary>Packets taken, those that did not match apart.</summary>
    internal long Matched { get; private set; }

    /// <summary>Packets that the filter, applied here, did not match.</summary>
    internal long Unmatched { get; private set; }

    /// <summary>Packets dropped because too many were waiting for their link.</summary>
    internal long OverRate { get; private set; }

    internal bool IsFull => Matched >= Options.Count;

    /// <summary>How much later than they were due delayed packets went on, ns; those that the end let go are not in it.</summary>
    internal TimingErrors Lateness { get; } = new();

    /// <summary>Lets one worker at a time decide and deliver; costs nothing where there is only one.</summary>
    internal Turn Enter() => new(_gate);

    /// <summary>The kernel does not apply the filter, or not all of it: it is applied here. Before the first packet.</summary>
    internal void FilterHere() => _userSpaceFilter = Options.Filter;

    /// <summary>Gets what people should know while it runs.</summary>
    internal Action<string>? Noticed { get; set; }

    internal void Notice(string text) => Noticed?.Invoke(text);

    internal void Watch(InterceptObserver? observer) => _observer = observer;

    /// <summary>Counts the packet; false if it is none of ours: beyond the limit, or not matching.</summary>
    internal bool TryTake(InterceptedPacket packet)
    {
        if (IsFull)
        {
            return false;
        }

        if (_userSpaceFilter is not null && !_userSpaceFilter.Matches(packet.Data, packet.OriginalLength))
        {
            Unmatched++;
            return false;
        }

        Matched++;
        return true;
    }

    /// <summary>What is done to a packet that was taken.</summary>
    internal ImpairmentDecision Decide(InterceptedPacket packet, in CapturedPacket captured, long now, out PacketLane lane)
    {
        PacketView view = captured.Parse();
        view.TryGetFlow(out FlowKey flow);
        lane = _impairments.FindLane(in flow, packet.Hook);
        if (IsPassing)
        {
            return default;
        }

        ImpairmentDecision decision = Decide(in view, in flow, lane, packet, now);
        Options.Record?.Write(lane, in flow, in decision);
        return decision;
    }

    internal void Tell(in InterceptedFate fate)
    {
        try
        {
            _observer?.Invoke(in fate);
        }
        catch
        {
            // The run ends now; what is decided on the way out must not fail for the same reason.
            _observer = null;
            throw;
        }
    }

    private ImpairmentDecision Decide(in PacketView view, in FlowKey flow, PacketLane lane, InterceptedPacket packet, long now)
    {
        bool isTcp = view.TryGetTcp(out TcpView tcp);
        ImpairmentDecision decision = Choose(lane, isTcp ? tcp.Flags : default);
        if (Options.Reset && isTcp && !decision.Drop && (tcp.Flags & TcpFlags.Rst) == 0)
        {
            return new ImpairmentDecision(true, 0) { Reset = true };
        }

        if (_links is null || decision.Drop)
        {
            return decision;
        }

        // A copy is on the link too.
        int bytes = packet.OriginalLength * (decision.Duplicate ? 2 : 1);
        int device = packet.OutInterface != 0 ? packet.OutInterface : packet.InInterface;
        if (_links.TryAdmit(in flow, packet.Hook, device, bytes, now, out long through))
        {
            return decision with { DelayNanoseconds = decision.DelayNanoseconds + Math.Max(through - now, 0) };
        }

        OverRate++;
        return new ImpairmentDecision(true, 0);
    }

    private ImpairmentDecision Choose(PacketLane lane, TcpFlags flags)
    {
        if (Options.Schedule is not { } schedule)
        {
            return _impairments.Decide(lane, flags);
        }

        lane.Packets++;
        return schedule.Find(lane, lane.Packets);
    }

    /// <summary>A worker's turn, which its disposal ends.</summary>
    internal readonly ref struct Turn
    {
        private readonly Lock? _gate;

        internal Turn(Lock? gate)
        {
            _gate = gate;
            gate?.Enter();
        }

        public void Dispose() => _gate?.Exit();
    }
}
