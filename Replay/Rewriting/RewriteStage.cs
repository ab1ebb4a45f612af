using Interceptor.Capture;
using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>
/// One step that packets take between a capture and where they go: it may pass a packet on, change it in a buffer of its own, leave it out, or give several for one.
/// A stage asks the one before it for a packet only when it was asked itself and has none left to give, so that what a reader lends with the packet it read last
/// (<see cref="Capture.Files.CaptureFileReader.PacketOptions"/>) is that of the packet that comes out.
/// <para>Owns the source before it. Threads: one reader.</para>
/// </summary>
/// <param name="source">What comes before.</param>
public abstract class RewriteStage(IPacketSource source) : IReadAheadSource
{
    /// <inheritdoc/>
    public virtual IReadOnlyList<CaptureInterface> Interfaces => source.Interfaces;

    /// <inheritdoc/>
    public Action? BeforeRead
    {
        get => (source as IReadAheadSource)?.BeforeRead;
        set
        {
            if (source is IReadAheadSource ahead)
            {
                ahead.BeforeRead = value;
            }
        }
    }

    /// <inheritdoc/>
    public double? Fraction => (source as IReadAheadSource)?.Fraction;

    /// <summary>What the stages up to this one made of the packet that was read last.</summary>
    public virtual RewriteOutcome Outcome => (source as RewriteStage)?.Outcome ?? RewriteOutcome.AsRead;

    /// <summary>What comes before.</summary>
    protected IPacketSource Source => source;

    /// <inheritdoc/>
    public abstract bool TryRead(out CapturedPacket packet);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of what it owns.</summary>
    /// <param name="disposing">True when called by <see cref="Dispose()"/>.</param>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            source.Dispose();
        }
    }
}
