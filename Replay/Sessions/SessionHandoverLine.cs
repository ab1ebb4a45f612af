using System.Text;
using System.Text.Json;
using Interceptor.Checkpoint;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <summary>The line of JSON that goes with a connection to its new owner: which one it is, and where its streams go on.</summary>
public static class SessionHandoverLine
{
    /// <summary>The line, without its end.</summary>
    /// <param name="image">What was restored.</param>
    /// <param name="directory">Where it is.</param>
    public static string Of(SessionImage image, string directory)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            TcpSnapshot snapshot = image.Snapshot;
            json.WriteStartObject();
            json.WriteString("type", "connection");
            json.WriteString("image", directory);
            json.WriteString("image_id", image.Id);
            json.WriteString("local", snapshot.Local.ToString());
            json.WriteString("peer", snapshot.Peer.ToString());
            json.WriteString("state", snapshot.State.ToRfcName());
            json.WriteNumber("read_offset", image.ReadOffset);
            json.WriteNumber("written_offset", image.WrittenOffset(StreamOrigin.Accepted));
            json.WriteNumber("receive_queue_bytes", snapshot.UnreadBytes);
            json.WriteNumber("send_queue_bytes", snapshot.QueuedBytes);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
