using Interceptor.Capture;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>
/// Reads a capture, as often as it is to be sent, into blocks, and decides for each packet whether it is sent: everything that need not happen at a deadline.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed class ReplayIntake : IDisposable
{
    private readonly Func<IPacketSource> _open;
    private readonly ReplayOptions _options;
    private readonly long _rounds;
    private readonly FlowCounter? _flows;
    private IPacketSource? _source;
    private ReplayBlock? _block;
    private long _round;
    private bool _beginsRound;
    private bool _wanted;

    /// <param name="open">Opens the capture; called for each round.</param>
    /// <param name="options">What is sent.</param>
    /// <param name="rounds">How often; 0 for ever.</param>
    internal ReplayIntake(Func<IPacketSource> open, ReplayOptions options, long rounds)
    {
        _open = open;
        _options = options;
        _rounds = rounds;
        _flows = options.CountFlows ? new FlowCounter() : null;
    }

    /// <summary>
    /// Takes a block that is full (true), or of a source that is about to wait (false), and gives an empty one, or one that is not full the same; null where nobody wants more.
    /// </summary>
    internal Func<ReplayBlock, bool, ReplayBlock?>? Exchange { get; set; }

    /// <summary>True once there were more flows than are remembered. Any thread may ask.</summary>
    internal bool FlowsAreCapped => _flows is { IsFull: true };

    /// <summary>
    /// Fills a block with the packets that follow, until it holds <paramref name="most"/> records or there are no more; full ones are exchanged on the way. A failure
    /// is put into the block and is the end.
    /// </summary>
    /// <param name="block">An empty one. After the call it is the one to go on with; null where nobody wants more.</param>
    /// <param name="most">When to stop. Without <see cref="Exchange"/> it is 1: one packet fits always.</param>
    /// <returns>False if nothing follows what the block holds now.</returns>
    internal bool Fill(ref ReplayBlock? block, int most = int.MaxValue)
    {
        _block = block;
        try
        {
            while (_block is not null && _block.Count < most)
            {
                if ((_source is null && !TryBeginRound()) || !TryTakeNext())
                {
                    return false;
                }
            }

            return _block is not null;
        }
#pragma warning disable CA1031 // It is thrown again, or told, by whoever sends: on another thread.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            // Where nobody wants more, nobody wants to know.
            _ = _block?.Failure = exception;
            return false;
        }
        finally
        {
            block = _block;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _source?.Dispose();

    private bool TryBeginRound()
    {
        if ((_rounds > 0 && _round == _rounds) || (_round > 0 && !_wanted))
        {
            return false;
        }

        _round++;
        _wanted = false;
        _beginsRound = true;
        _source = _open();
        if (Exchange is not null && _source is IReadAheadSource ahead)
        {
            ahead.BeforeRead = HandOver;
        }

        return true;
    }

    /// <summary>One packet, or the end of the round; false where nobody wants more.</summary>
    private bool TryTakeNext()
    {
        if (!_source!.TryRead(out CapturedPacket packet))
        {
            _source.Dispose();
            _source = null;
            return true;
        }

        if (_block is null)
        {
            // Given away before the source was asked for more, and none got in return.
            return false;
        }

        ReplayRecordKind kind = Judge(packet);
        int length = kind == ReplayRecordKind.Packet ? packet.Data.Length : 0;
        if (!_block.TryReserve(length))
        {
            GiveAway(isFull: true);
            if (_block?.TryReserve(length) != true)
            {
                return false;
            }
        }

        ReplayRecordFlags flags = _beginsRound ? ReplayRecordFlags.BeginsRound : ReplayRecordFlags.None;
        _beginsRound = false;
        if (kind == ReplayRecordKind.Packet)
        {
            _wanted = true;
            _block.Add(packet, flags | (_flows?.Add(packet) ?? ReplayRecordFlags.None));
        }
        else
        {
            _block.AddSkipped(kind, packet.Metadata, flags);
        }

        return true;
    }

    private ReplayRecordKind Judge(in CapturedPacket packet) =>
        _options.Accepts is { } accepts && !accepts(packet.Metadata.LinkType) ? ReplayRecordKind.OtherLinkType
        : _options.Filter is { } filter && !filter.Matches(packet) ? ReplayRecordKind.NotMatching
        : _options.SkipCut && packet.IsTruncated ? ReplayRecordKind.Cut
        : ReplayRecordKind.Packet;

    private void HandOver()
    {
        if (_block is { Count: > 0 })
        {
            GiveAway(isFull: false);
        }
    }

    private void GiveAway(bool isFull)
    {
        _block!.Fraction = (_source as IReadAheadSource)?.Fraction is { } part && _rounds > 0 ? (_round - 1 + part) / _rounds : null;
        _block = Exchange?.Invoke(_block, isFull);
    }
}
