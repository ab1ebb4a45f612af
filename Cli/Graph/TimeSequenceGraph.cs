using System.Globalization;
using Interceptor.Cli.Output;
using Interceptor.Tcp;
using Interceptor.Tcp.Graph;

namespace Interceptor.Cli.Graph;

/// <summary>What becomes of <c>--graph</c>: the file is opened before the packets are read and gets its name once the picture is whole.</summary>
internal sealed class TimeSequenceGraph(GraphRequest request, string source) : IDisposable
{
    private readonly FileWrittenAside _file = new(request.Path);

    internal TimeSequenceRecorder Recorder { get; } = new(request.ConnectionId);

    /// <summary>A time in which the connection stood still, ns from its first packet; marked in the picture.</summary>
    internal (long From, long To)? Frozen { get; set; }

    internal int ConnectionId => request.ConnectionId;

    /// <summary>Writes the file and tells of it; nothing where there is no such connection.</summary>
    internal void Finish(CommandOutput output)
    {
        if (Recorder.Connection is not { } connection)
        {
            return;
        }

        string text = request.Format switch
        {
            GraphFormat.Svg => new TimeSequenceSvg(Recorder, source, Frozen).Write(),
            GraphFormat.Html => TimeSequenceHtml.Write(Recorder, source, Frozen),
            _ => TimeSequenceCsv.Write(Recorder),
        };
        _file.Commit(text);
        bool isDownsampled = Recorder.FromClient!.IsDownsampled || Recorder.FromServer!.IsDownsampled;
        int retransmissions = Recorder.FromClient.Retransmissions.Count + Recorder.FromServer!.Retransmissions.Count;
        if (output.Json)
        {
            output.WriteJson("graph", json => Write(json, connection, retransmissions, isDownsampled));
            return;
        }

        output.Text.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Printable.Escape(request.Path)}: time and sequence of connection {connection.Id}, {Counted.Of(retransmissions, "retransmission")} marked{(isDownsampled ? ", neighbours in time drawn as one" : "")}"));
    }

    public void Dispose() => _file.Dispose();

    private void Write(System.Text.Json.Utf8JsonWriter json, TcpConnection connection, int retransmissions, bool isDownsampled)
    {
        json.WriteNumber("id", connection.Id);
        json.WriteString("file", request.Path);
        json.WriteNumber("retransmissions", retransmissions);
        json.WriteBoolean("downsampled", isDownsampled);
    }
}
