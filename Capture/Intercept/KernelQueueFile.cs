using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// /proc/net/netfilter/nfnetlink_queue of the namespace of the thread that opened it: the open file keeps to that namespace, whatever thread reads.
/// </summary>
internal sealed class KernelQueueFile : IDisposable
{
    private const string Path = "/proc/thread-self/net/netfilter/nfnetlink_queue";
    private readonly SafeFileHandle? _file;
    private readonly ushort _queue;

    private KernelQueueFile(SafeFileHandle? file, ushort queue)
    {
        _file = file;
        _queue = queue;
    }

    internal static KernelQueueFile Open(ushort queue)
    {
        try
        {
            return new(File.OpenHandle(Path), queue);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new(null, queue);
        }
    }

    /// <summary>The numbers of all queues that are open in the calling thread's network namespace; null where /proc does not show them.</summary>
    internal static IReadOnlyList<ushort>? OpenQueues()
    {
        try
        {
            return [.. File.ReadLines(Path).Select(line => ushort.Parse(line.Trim().Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture))];
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            // A kernel without queues.
            return [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException or OverflowException)
        {
            return null;
        }
    }

    internal KernelQueueCounters? Read()
    {
        if (_file is null)
        {
            return null;
        }

        byte[] bytes = new byte[16 << 10];
        int length = 0;
        try
        {
            int got;
            while (length < bytes.Length && (got = RandomAccess.Read(_file, bytes.AsSpan(length), length)) > 0)
            {
                length += got;
            }
        }
        catch (IOException)
        {
            return null;
        }

        return KernelQueueCounters.TryParse(Encoding.ASCII.GetString(bytes, 0, length), _queue, out KernelQueueCounters counters) ? counters : null;
    }

    public void Dispose() => _file?.Dispose();
}
