namespace Interceptor.Tcp.Streams;

/// <summary>Bounds what all streams of one tracker keep of their recent bytes. Threads: those of the tracker, one at a time.</summary>
/// <param name="maximumBytes">Bytes of all streams together.</param>
internal sealed class RecentBytesBudget(long maximumBytes)
{
    private long _taken;

    internal bool TryTake(int bytes)
    {
        if (_taken + bytes > maximumBytes)
        {
            return false;
        }

        _taken += bytes;
        return true;
    }

    internal void GiveBack(int bytes) => _taken -= bytes;
}
