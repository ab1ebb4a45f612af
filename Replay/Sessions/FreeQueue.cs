using Interceptor.Interop;

namespace Interceptor.Replay;

/// <summary>Queue numbers that nobody has, in the network namespace of whoever opens one.</summary>
internal static class FreeQueue
{
    private const int First = 41_000;
    private const int Count = 19_000;
    private const int Tries = 100;

    /// <summary>Opens a queue by the first number that is free; where it begins depends on the process, so that two seldom meet.</summary>
    /// <exception cref="LinuxException">As of <paramref name="open"/>; EBUSY after a hundred numbers that others have.</exception>
    internal static T Open<T>(Func<ushort, T> open)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                return open((ushort)(First + (((Environment.ProcessId * 2) + attempt) % Count)));
            }
            catch (LinuxException exception) when (exception.Errno == Errno.EBUSY && attempt < Tries)
            {
            }
        }
    }
}
