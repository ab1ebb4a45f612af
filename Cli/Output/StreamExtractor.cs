using System.Globalization;
using Interceptor.Capture.Files;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Streams;

namespace Interceptor.Cli.Output;

/// <summary>
/// Writes each direction of each connection into a file of its own, named as tcpflow users know it: <c>192.0.2.1.49152-192.0.2.2.80</c>, from the sender
/// to the receiver; where addresses and ports come again, with <c>c1</c> behind, and so on. A file gets its name when everything was read. Bytes that the
/// capture lacks are left out and counted.
/// <para>Open files: at most <see cref="MaximumOpen"/>. Threads: the tracker's.</para>
/// </summary>
internal sealed class StreamExtractor : ITcpStreamConsumer, IDisposable
{
    /// <summary>Files open at the same time; the one not written for longest is closed for another.</summary>
    internal const int MaximumOpen = 64;

    private readonly string _directory;
    private readonly int? _only;
    private readonly Dictionary<(int Id, bool IsFirst), Entry> _entries = [];
    private readonly Dictionary<string, int> _names = [];
    private readonly LinkedList<Entry> _open = new();

    /// <param name="directory">Made if it is not there.</param>
    /// <param name="only">The id of the only connection to write; null for all.</param>
    internal StreamExtractor(string directory, int? only)
    {
        _directory = Path.GetFullPath(directory);
        _only = only;
        if (File.Exists(_directory))
        {
            throw new IOException($"--extract {directory}: can't be made a directory: there is a file of that name.");
        }

        try
        {
            Directory.CreateDirectory(_directory);
        }
        catch (Exception exception) when (FileFailure.IsOfFile(exception))
        {
            throw PassingFileStream.Unwritable($"--extract {directory}", exception);
        }
    }

    public bool Wants(TcpEndpoint sender) => _only is null || sender.Connection.Id == _only;

    public void OnData(TcpEndpoint sender, CaptureTimestamp at, ReadOnlySpan<byte> data)
    {
        Entry entry = EntryOf(sender);
        Open(entry).Write(data);
        entry.Bytes += data.Length;
    }

    public void OnMissing(TcpEndpoint sender, CaptureTimestamp at, long length) => EntryOf(sender).Missing += length;

    /// <summary>Gives the files their names and tells of them.</summary>
    internal void Finish(CommandOutput output)
    {
        Entry[] written = [.. _entries.Values.Where(entry => entry.IsCreated)];
        foreach (Entry entry in written)
        {
            Close(entry);
            UnfinishedFiles.Finish(entry.TemporaryPath, entry.Path);
            entry.IsCreated = false;
            if (output.Json)
            {
                output.WriteJson("stream_file", json =>
                {
                    json.WriteNumber("id", entry.Id);
                    json.WriteString("side", entry.Side);
                    json.WriteString("file", entry.Path);
                    json.WriteNumber("bytes", entry.Bytes);
                    json.WriteNumber("missing_bytes", entry.Missing);
                });
            }
        }

        if (!output.Json)
        {
            long missing = written.Sum(entry => entry.Missing);
            string gaps = missing == 0 ? "" : $"; {Counted.Of(missing, "byte is", "bytes are")} missing in the capture and left out";
            output.Text.WriteLine($"{Printable.Escape(_directory)}: {Counted.Of(written.Length, "stream")}, {Counted.Of(written.Sum(entry => entry.Bytes), "byte")}{gaps}");
        }
    }

    /// <summary>Removes what did not get its name.</summary>
    public void Dispose()
    {
        foreach (Entry entry in _entries.Values.Where(entry => entry.IsCreated))
        {
            entry.Stream?.Abandon();
            UnfinishedFiles.Delete(entry.TemporaryPath);
        }
    }

    private Entry EntryOf(TcpEndpoint sender)
    {
        (int, bool) key = (sender.Connection.Id, ReferenceEquals(sender, sender.Connection.First));
        if (!_entries.TryGetValue(key, out Entry? entry))
        {
            string name = $"{NameOf(sender.Address)}-{NameOf(sender.Peer.Address)}";
            int before = _names.GetValueOrDefault(name);
            _names[name] = before + 1;
            name = before == 0 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}c{before}");
            entry = new Entry(sender.Connection.Id, Path.Combine(_directory, name),
                Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $".{name}.{Environment.ProcessId}.part")));
            _entries.Add(key, entry);
        }

        entry.Side = StreamPrinter.SideOf(sender);
        return entry;
    }

    private static string NameOf(FlowEndpoint end) => string.Create(CultureInfo.InvariantCulture, $"{end.Address}.{end.Port}");

    private PassingFileStream Open(Entry entry)
    {
        if (entry.Place is { } place)
        {
            _open.Remove(place);
            _open.AddFirst(place);
            return entry.Stream!;
        }

        if (_open.Count == MaximumOpen)
        {
            Close(_open.Last!.Value);
        }

        entry.Stream = new PassingFileStream(entry.TemporaryPath, entry.IsCreated ? FileMode.Append : FileMode.Create, entry.Path);
        entry.IsCreated = true;
        entry.Place = _open.AddFirst(entry);
        return entry.Stream;
    }

    private void Close(Entry entry)
    {
        if (entry.Place is { } place)
        {
            _open.Remove(place);
            entry.Place = null;
            entry.Stream!.Dispose();
            entry.Stream = null;
        }
    }

    private sealed class Entry(int id, string path, string temporaryPath)
    {
        internal int Id { get; } = id;

        internal string Path { get; } = path;

        internal string TemporaryPath { get; } = temporaryPath;

        internal string Side { get; set; } = "";

        internal long Bytes { get; set; }

        internal long Missing { get; set; }

        internal bool IsCreated { get; set; }

        internal PassingFileStream? Stream { get; set; }

        internal LinkedListNode<Entry>? Place { get; set; }
    }
}
