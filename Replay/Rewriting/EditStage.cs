using Interceptor.Capture;
using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>
/// Edits each packet. What can't be edited is counted with its reason and passed on as it was, or left out where it would give away what was to be anonymised.
/// </summary>
public sealed class EditStage : RewriteStage
{
    private readonly PacketRewriter _rewriter;
    private RewriteOutcome _outcome;

    /// <summary>Over a source.</summary>
    /// <param name="source">What comes before.</param>
    /// <param name="edits">What to edit.</param>
    /// <param name="report">Where it counts.</param>
    public EditStage(IPacketSource source, PacketEdits edits, RewriteReport report)
        : base(source)
    {
        ArgumentNullException.ThrowIfNull(edits);
        ArgumentNullException.ThrowIfNull(report);
        _rewriter = new PacketRewriter(edits, report);
    }

    /// <inheritdoc/>
    public override RewriteOutcome Outcome => _outcome == RewriteOutcome.AsRead ? base.Outcome : _outcome;

    /// <inheritdoc/>
    public override bool TryRead(out CapturedPacket packet)
    {
        if (_rewriter.HasPieces)
        {
            packet = _rewriter.NextPiece();
            _outcome = RewriteOutcome.LaterPiece;
            return true;
        }

        while (Source.TryRead(out packet))
        {
            switch (_rewriter.Rewrite(packet))
            {
                case RewriteResult.Unchanged:
                    _outcome = RewriteOutcome.AsRead;
                    return true;
                case RewriteResult.Edited:
                    packet = _rewriter.Packet;
                    _outcome = RewriteOutcome.Changed;
                    return true;
                case RewriteResult.Cut:
                    packet = _rewriter.NextPiece();
                    _outcome = RewriteOutcome.FirstPiece;
                    return true;
                default:
                    continue;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _rewriter.Dispose();
        }

        base.Dispose(disposing);
    }
}
