using System.Globalization;
using System.Text;

namespace Interceptor.Checkpoint;

/// <summary>
/// <c>restored</c> in an image's directory: the connection went on from it, at this time, in this process. Two sockets that go on with one connection would tear it apart, so
/// an image is restored once. Its file is made by one only, however many try. Not under the commit record: it comes later.
/// </summary>
public static class SessionRestoreMark
{
    /// <summary>The file.</summary>
    public const string Name = "restored";

    /// <summary>Claims the image; disposing gives it back, unless <see cref="Claim.Keep"/> came before.</summary>
    /// <param name="directory">The image.</param>
    /// <param name="force">Claim it although it was restored before, or is the base of a newer one.</param>
    /// <exception cref="CheckpointException">It was restored before, the connection went on behind it, or the directory can't be written to.</exception>
    public static Claim Take(string directory, bool force) => Take(directory, force, isDurable: true);

    /// <summary>As <see cref="Take(string, bool)"/>; without <paramref name="isDurable"/> it is the caller's to flush it.</summary>
    internal static Claim Take(string directory, bool force, bool isDurable)
    {
        if (!force && SessionNewerImages.FindFrom(directory) is [.., { } newer])
        {
            throw new CheckpointException(
                "restore", $"{directory} is the base of a newer image ({newer}): the connection went on behind it, and its peer would be told what it knows to be over. Restore the newer one; "
                + "if the connection has stood still since: --force.", CheckpointException.NothingChanged, CheckpointFailure.Refused);
        }

        string path = Path.Combine(directory, Name);
        string content = string.Create(CultureInfo.InvariantCulture, $"{DateTimeOffset.UtcNow:yyyy-MM-dd HH:mm:ss.fff}Z by process {Environment.ProcessId}\n");
        try
        {
            bool wasThere = File.Exists(path);
            using FileStream stream = new(path, force ? FileMode.Create : FileMode.CreateNew, FileAccess.Write);
            stream.Write(Encoding.UTF8.GetBytes(content));
            stream.Flush(flushToDisk: isDurable);
            return new Claim(path, removes: !wasThere);
        }
        catch (IOException exception) when (!force && File.Exists(path))
        {
            throw new CheckpointException(
                "restore", $"{directory} was restored before ({Read(path)}): a second socket for the same connection would tear it apart. If that one is gone: --force.",
                CheckpointException.NothingChanged, CheckpointFailure.Refused, exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(
                "restore", $"{path} could not be written, by which a second restore is noticed: {exception.Message}", CheckpointException.NothingChanged, cause: exception);
        }
    }

    /// <summary>When and by whom the image was restored, as text; null where it was not.</summary>
    public static string? ReadFrom(string directory)
    {
        string path = Path.Combine(directory, Name);
        return File.Exists(path) ? Read(path) : null;
    }

    /// <summary>The restore was undone.</summary>
    internal static void Remove(string directory) => File.Delete(Path.Combine(directory, Name));

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "unreadable";
        }
    }

    /// <summary>The right to restore an image.</summary>
    public sealed class Claim : IDisposable
    {
        private readonly string _path;
        private bool _removes;

        internal Claim(string path, bool removes)
        {
            _path = path;
            _removes = removes;
        }

        /// <summary>The restore is done: the mark stays.</summary>
        public void Keep() => _removes = false;

        /// <summary>Gives the image back, if it was not kept.</summary>
        public void Dispose()
        {
            if (_removes)
            {
                _removes = false;
                File.Delete(_path);
            }
        }
    }
}
