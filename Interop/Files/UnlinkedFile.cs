using Microsoft.Win32.SafeHandles;

namespace Interceptor.Interop;

/// <summary>Temporary files without a name: whatever ends the process, nothing stays behind.</summary>
public static class UnlinkedFile
{
    /// <summary>Where they lie: TMPDIR, or what stands for it.</summary>
    public static string Directory => Path.GetTempPath();

    /// <summary>An empty one to read and write.</summary>
    /// <exception cref="IOException">It can't be made; the message says where it was to be, and what to do.</exception>
    public static SafeFileHandle Open()
    {
        string path = Path.Combine(Directory, $"interceptor-{Guid.NewGuid():N}");
        try
        {
            SafeFileHandle handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
            File.Delete(path);
            return handle;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Explain(exception);
        }
    }

    /// <summary>What to tell of a failure to make or write one.</summary>
    public static IOException Explain(Exception failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return new IOException($"what does not fit into memory can't be put aside in a file in {Directory}: {failure.Message} Set TMPDIR to a directory with room.", failure);
    }
}
