using Interceptor.Interop;

namespace Interceptor.Capture.Intercept;

/// <summary>Opens the queues of a session: one behind another by number.</summary>
internal static class QueueRange
{
    private const int FirstAutomatic = 20000;
    private const int Automatic = 20000;
    private const int Attempts = 100;

    /// <summary>Opens all or none.</summary>
    /// <param name="template">How; its number is not looked at.</param>
    /// <param name="first">The first number; null for free ones.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="LinuxException">A privilege is missing, or a number is taken.</exception>
    internal static InterceptionQueue[] Open(InterceptionQueueOptions template, ushort? first, int count)
    {
        if (first is { } chosen)
        {
            return OpenFrom(template, chosen, count);
        }

        // Spread by process, so that two runs rarely meet; where they do, the next numbers are tried.
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                return OpenFrom(template, FirstAutomatic + ((Environment.ProcessId + (attempt * count)) % Automatic), count);
            }
            catch (LinuxException exception) when (exception.Errno == Errno.EBUSY && attempt < Attempts)
            {
            }
        }
    }

    private static InterceptionQueue[] OpenFrom(InterceptionQueueOptions template, int first, int count)
    {
        var queues = new InterceptionQueue[count];
        int opened = 0;
        try
        {
            for (; opened < count; opened++)
            {
                queues[opened] = InterceptionQueue.Open(template with { Number = checked((ushort)(first + opened)) });
            }

            return queues;
        }
        catch
        {
            Array.ForEach(queues[..opened], queue => queue.Dispose());
            throw;
        }
    }
}
