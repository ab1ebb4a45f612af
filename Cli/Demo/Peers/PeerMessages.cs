using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Interceptor.Cli.Demo.Peers;

/// <summary>
/// The lines that the demo's client and server write to standard output, and their reading: a word, then values separated by blanks.
/// Any thread; a line is written at once.
/// </summary>
internal static class PeerMessages
{
    internal const string ListeningWord = "listening";
    internal const string ConnectedWord = "connected";
    internal const string ProgressWord = "progress";
    internal const string ReadyWord = "ready";
    internal const string DoneWord = "done";
    internal const string FailedWord = "failed";

    private static readonly Lock Gate = new();

    internal static void Listening(Socket listener) => Write($"{ListeningWord} {listener.LocalEndPoint}");

    internal static void Connected(Socket socket) => Write($"{ConnectedWord} {socket.LocalEndPoint} {socket.RemoteEndPoint}");

    internal static void Progress(long received, long sent) => Write(string.Create(CultureInfo.InvariantCulture, $"{ProgressWord} {received} {sent}"));

    internal static void Ready() => Write(ReadyWord);

    internal static void Done(TransferResult result) => Write(string.Create(
        CultureInfo.InvariantCulture, $"{DoneWord} {result.ReceivedBytes} {result.SentBytes} {result.ReceivedSha256} {result.SentSha256}"));

    internal static void Failed(Exception exception) => Write($"{FailedWord} {exception.Message.ReplaceLineEndings(" ")}");

    /// <summary>The values after the first word.</summary>
    internal static string[] Values(string line) => line.Split(' ')[1..];

    internal static IPEndPoint EndPoint(string value) => IPEndPoint.Parse(value);

    internal static TransferResult Result(string line)
    {
        string[] values = Values(line);
        return new TransferResult(
            long.Parse(values[0], CultureInfo.InvariantCulture), long.Parse(values[1], CultureInfo.InvariantCulture), values[2], values[3]);
    }

    private static void Write(string line)
    {
        lock (Gate)
        {
            Console.Out.WriteLine(line);
            Console.Out.Flush();
        }
    }
}
