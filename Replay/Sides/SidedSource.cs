using Interceptor.Capture;
using Interceptor.Packets;

namespace Interceptor.Replay.Sides;

/// <summary>
/// Gives each packet of a source its side, for a <see cref="TwoSidedSink"/> behind it: decided here, on the packet as it was captured, before anything on the way
/// edits it. The side takes the place of the interface that the packet came on.
/// <para>Threads: one reader.</para>
/// </summary>
public sealed class SidedSource : IReadAheadSource
{
    private readonly IPacketSource _source;
    private readonly SideRule _rule;
    private readonly SideLearner? _learner;

    /// <summary>Around a source, which it owns then.</summary>
    /// <param name="source">The packets.</param>
    /// <param name="rule">Their sides.</param>
    /// <param name="learner">Is shown each packet before it is asked for its side, where the packets are read once; null where nothing is to be learned any more.</param>
    public SidedSource(IPacketSource source, SideRule rule, SideLearner? learner = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(rule);
        _source = source;
        _rule = rule;
        _learner = learner;
    }

    /// <summary>The sides.</summary>
    public IReadOnlyList<CaptureInterface> Interfaces => PacketSides.Interfaces;

    /// <inheritdoc/>
    public Action? BeforeRead
    {
        get => (_source as IReadAheadSource)?.BeforeRead;
        set
        {
            if (_source is IReadAheadSource source)
            {
                source.BeforeRead = value;
            }
        }
    }

    /// <inheritdoc/>
    public double? Fraction => (_source as IReadAheadSource)?.Fraction;

    /// <inheritdoc/>
    public bool TryRead(out CapturedPacket packet)
    {
        if (!_source.TryRead(out packet))
        {
            return false;
        }

        _learner?.Learn(in packet);
        packet = PacketSides.Mark(in packet, _rule.SideOf(in packet));
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();
}
