using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// /proc/net/netfilter/nfnetlink_queue of the namespace of the thread that opened it: the open file keeps to that namespace, whatever thread reads.
/// </summary>
internal sealed class KernelQueueFile : IDisposable
{
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
            return new(File.OpenHandle("/proc/thread-self/net/netfilter/nfnetlink_queue"), queue);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new(null, queue);
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
