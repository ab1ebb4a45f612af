using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Cli.Input;
using Interceptor.Filters;

namespace Interceptor.Cli.Replaying;

/// <summary>
/// The capture that is replayed: opened before any interface is taken, so that a missing file costs nothing, and opened again for each further loop.
/// What stands between the file and the wire (edits) is put around each reader.
/// </summary>
internal sealed class ReplayCapture : IDisposable
{
    private readonly CaptureFileReader _first;
    private readonly LinkTypeFilter? _filter;
    private readonly Func<CaptureFileReader, IPacketSource> _around;
    private readonly CancellationToken _until;
    private CaptureFileReader? _next;

    private ReplayCapture(string path, CaptureFileReader first, LinkTypeFilter? filter, Func<CaptureFileReader, IPacketSource>? around, CancellationToken until)
    {
        _first = _next = first;
        _filter = filter;
        _around = around ?? (static reader => reader);
        _until = until;
        Path = path;
    }

    /// <summary>The reader that was opened first: what is known of the capture before a packet is read.</summary>
    internal CaptureFileReader First => _first;

    /// <summary>The file as it was named.</summary>
    internal string Path { get; }

    /// <param name="path">The capture; - is standard input.</param>
    /// <param name="filter">Compiled here where the link type is known already; null for none.</param>
    /// <param name="around">What stands between file and wire; it owns the reader that it is given. Null for nothing.</param>
    /// <param name="until">Ends the reading.</param>
    /// <exception cref="CaptureFileException">It can't be read or is no capture.</exception>
    /// <exception cref="FilterSyntaxException">The filter does not compile.</exception>
    internal static ReplayCapture Open(string path, LinkTypeFilter? filter, Func<CaptureFileReader, IPacketSource>? around, CancellationToken until)
    {
        InputFile.Check(path);
        CaptureFileReader first = CaptureFile.OpenRead(path, until);
        try
        {
            FilterWords.CheckBefore(filter, first);
            return new ReplayCapture(path, first, filter, around, until);
        }
        catch
        {
            first.Dispose();
            throw;
        }
    }

    /// <summary>The packets from the first on; the caller disposes of them.</summary>
    internal IPacketSource OpenNext() => _around(Interlocked.Exchange(ref _next, null) ?? CaptureFile.OpenRead(Path, _until));

    /// <inheritdoc cref="FilterWords.CheckAfter"/>
    internal void CheckFilter() => FilterWords.CheckAfter(_filter, _first);

    /// <summary>Closes the reader that nobody asked for.</summary>
    public void Dispose() => _next?.Dispose();
}
