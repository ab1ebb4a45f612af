using System.Buffers.Binary;
using System.Security.Cryptography;
using Interceptor.Capture;
using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>
/// Leaves out packets whose captured bytes were there shortly before. As with editcap a packet that is left out counts as one that was there, and lengths on
/// the wire and interfaces are not compared. The bytes are compared by 128 bits of their SHA-256.
/// <para>Memory: 48 bytes or so for each packet of the window, which is at most a million. Allocates nothing per packet once that is full.</para>
/// </summary>
public sealed class DuplicateStage : RewriteStage
{
    private const int FirstPlaces = 1024;

    private readonly DuplicateWindow _window;
    private readonly RewriteReport _report;
    private readonly Dictionary<UInt128, Seen> _latest = [];
    private UInt128[] _ring = new UInt128[FirstPlaces];
    private long _packets;
    private long _oldest;

    /// <summary>Over a source.</summary>
    /// <param name="source">What comes before.</param>
    /// <param name="window">How far back is looked.</param>
    /// <param name="report">Counts what is left out.</param>
    public DuplicateStage(IPacketSource source, DuplicateWindow window, RewriteReport report)
        : base(source)
    {
        ArgumentNullException.ThrowIfNull(window);
        ArgumentNullException.ThrowIfNull(report);
        _window = window;
        _report = report;
    }

    /// <inheritdoc/>
    public override bool TryRead(out CapturedPacket packet)
    {
        while (Source.TryRead(out packet))
        {
            if (!IsDuplicate(in packet))
            {
                return true;
            }

            _report.Duplicates++;
        }

        return false;
    }

    private bool IsDuplicate(in CapturedPacket packet)
    {
        long number = _packets++;
        long at = packet.Metadata.Timestamp.Nanoseconds;
        UInt128 hash = HashOf(packet.Data);
        bool isDuplicate = _latest.TryGetValue(hash, out Seen before)
            && (_window.Packets is { } count ? number - before.Number < count : (Int128)at - before.At is var age && age >= 0 && age <= _window.Nanoseconds);
        Forget(number, at);
        Remember(hash, new Seen(number, at));
        return isDuplicate;
    }

    private void Remember(UInt128 hash, Seen seen)
    {
        if (_packets - _oldest > _ring.Length)
        {
            Grow();
        }

        _ring[seen.Number % _ring.Length] = hash;
        _latest[hash] = seen;
    }

    /// <summary>What no later packet can be a duplicate of. Times that go back are waited for: who is in front keeps the others.</summary>
    private void Forget(long number, long at)
    {
        int most = _window.Packets ?? DuplicateWindow.MaximumPackets;
        while (_oldest < number)
        {
            UInt128 hash = _ring[_oldest % _ring.Length];
            bool isKnown = _latest.TryGetValue(hash, out Seen seen) && seen.Number == _oldest;
            if (number - _oldest < most && (_window.Packets is not null || (isKnown && (Int128)at - seen.At <= _window.Nanoseconds)))
            {
                return;
            }

            if (isKnown)
            {
                _latest.Remove(hash);
            }

            _oldest++;
        }
    }

    private void Grow()
    {
        var larger = new UInt128[_ring.Length * 2];
        for (long number = _oldest; number < _packets - 1; number++)
        {
            larger[number % larger.Length] = _ring[number % _ring.Length];
        }

        _ring = larger;
    }

    private static UInt128 HashOf(ReadOnlySpan<byte> data)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(data, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    /// <summary>The latest packet of these bytes.</summary>
    private readonly record struct Seen(long Number, long At);
}
