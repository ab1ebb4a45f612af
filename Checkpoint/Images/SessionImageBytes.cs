using System.Text.Json;

namespace Interceptor.Checkpoint;

/// <summary>An image without a directory: its document as on disk, with its queues beside it in the caller's hands. Held packets are not among them.</summary>
internal static class SessionImageBytes
{
    internal static byte[] WriteDocument(SessionImage image) =>
        JsonSerializer.SerializeToUtf8Bytes(SessionDocumentMapping.ToDocument(image, []), SessionJson.Default.SessionDocument);

    /// <exception cref="CheckpointException">They do not agree.</exception>
    internal static SessionImage Read(byte[] document, byte[] receiveQueue, byte[] sendQueue)
    {
        SessionDocument read = JsonSerializer.Deserialize(document, SessionJson.Default.SessionDocument)!;
        return SessionDocumentMapping.ToImage(read, receiveQueue, sendQueue, out string problem)
            ?? throw new CheckpointException("read the image", problem, "", CheckpointFailure.BadImage);
    }
}
