namespace Interceptor.Tcp.Streams;

/// <summary>Bounds what all streams of one tracker keep of their recent bytes. Threads: those of the tracker, one at a time.</summary>
internal sealed class RecentBytesBudget
{
    /// <summary>Bytes of all streams together.</summary>
    internal const long MaximumBytes = 64L * 1024 * 1024;

    private long _taken;

    internal bool TryTake(int bytes)
    {
        if (_taken + bytes > MaximumBytes)
        {
            return false;
        }

        _taken += bytes;
        return true;
    }

    internal void GiveBack(int bytes) => _taken -= bytes;
}
