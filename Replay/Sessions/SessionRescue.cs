using Interceptor.Checkpoint;

namespace Interceptor.Replay;

/// <summary>Where an image goes that is all there is of a connection: to disk, wherever that works.</summary>
internal static class SessionRescue
{
    /// <summary>Writes it to the first place that takes it: the one asked for, the system's temporary directory, the current one, memory. Returns which.</summary>
    /// <exception cref="CheckpointException">None does; the first one's reason.</exception>
    internal static string Write(SessionImage image, string? directory)
    {
        string name = $"interceptor-rescue-{image.Id}";
        string[] places = [Path.Combine(Path.GetTempPath(), name), Path.GetFullPath(name), $"/dev/shm/{name}"];
        Exception? failure = null;
        foreach (string place in directory is null ? places : places.Prepend(directory))
        {
            try
            {
                SessionFiles.Write(place, image);
                return place;
            }
            catch (Exception exception) when (exception is CheckpointException or IOException or UnauthorizedAccessException)
            {
                failure ??= exception;
            }
        }

        throw failure!;
    }
}
