namespace Interceptor.Interop;

/// <summary>Why a file could not be made or written, in words. .NET's own name the file of the passing name, and some name none.</summary>
internal static class FileFailure
{
    /// <summary>True for what an operation on a file throws where the file, its place or its name is the reason.</summary>
    internal static bool IsOfFile(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;

    /// <summary>The reason as a clause without a full stop.</summary>
    internal static string WhyNotWritten(Exception exception) => exception switch
    {
        FileNotFoundException { FileName: { } name } when new FileInfo(name).LinkTarget is not null => "it is a link to a file in a directory that does not exist",
        DirectoryNotFoundException or FileNotFoundException => "there is no such directory",
        UnauthorizedAccessException => "permission denied",
        PathTooLongException => "its name is too long",
        { HResult: Errno.ENOSPC } => "no space is left on the device",
        { HResult: Errno.ELOOP } => "it is a link that leads back to itself",
        { HResult: Errno.EEXIST } => "there is something of that name already",
        _ => exception.Message.TrimEnd('.'),
    };
}
