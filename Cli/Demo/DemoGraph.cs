using Interceptor.Cli.Graph;
using Interceptor.Cli.Output;
using Interceptor.Tcp;

namespace Interceptor.Cli.Demo;

/// <summary>The picture of one act's connection, with its frozen time. The observer's thread records, and has ended before <see cref="Finish"/>.</summary>
internal sealed class DemoGraph : IDisposable
{
    private readonly TimeSequenceGraph _graph;

    /// <param name="path">The file to write.</param>
    /// <param name="act">The act's number.</param>
    internal DemoGraph(string path, int act)
    {
        GraphRequest request = GraphRequest.Parse(0, path)!;
        _graph = new TimeSequenceGraph(request, $"act {act}");
    }

    internal ITcpSegmentObserver Recorder => _graph.Recorder;

    /// <summary>The name of one of several pictures: <c>demo-2.html</c> of <c>demo.html</c>.</summary>
    internal static string NameOf(string path, int act) =>
        Path.Combine(Path.GetDirectoryName(path) ?? "", $"{Path.GetFileNameWithoutExtension(path)}-{act}{Path.GetExtension(path)}");

    internal void Finish(CommandOutput output, RestoreDemoReport report)
    {
        if (report.FrozenAt is { } at && _graph.Recorder.Connection is { } connection)
        {
            long from = at - connection.FirstPacketAt;
            _graph.Frozen = (from, from + (long)(report.FreezeMilliseconds * 1e6));
        }

        _graph.Finish(output);
    }

    public void Dispose() => _graph.Dispose();
}
