using System.Globalization;
using System.Text;
using System.Text.Json;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Capture.Injection;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Replay.Sides;

namespace Interceptor.Cli.Replaying;

/// <summary>A replay on two interfaces: learns the sides, marks the packets, opens the interfaces, and tells what went where.</summary>
internal sealed class TwoSidedReplay : IDisposable
{
    private readonly string? _clientInterface;
    private readonly string? _serverInterface;
    private readonly FileWrittenAside? _sideFile;
    private SideTable? _table;
    private SideLearner? _learner;
    private TwoSidedSink? _sink;

    /// <param name="table">The sides; null to learn them.</param>
    /// <param name="clientInterface">Null where nothing is sent.</param>
    /// <param name="serverInterface">Null where nothing is sent.</param>
    /// <param name="writeTo">Where the sides are written to; null for nowhere.</param>
    internal TwoSidedReplay(SideTable? table, string? clientInterface, string? serverInterface, string? writeTo)
    {
        _table = table;
        _clientInterface = clientInterface;
        _serverInterface = serverInterface;
        _sideFile = writeTo is null ? null : new FileWrittenAside(writeTo);
    }

    /// <summary>Keep the order between the two sides.</summary>
    internal required bool KeepsOrder { get; init; }

    /// <summary>Between file and wire: gives each packet its side. Next to the reader, so that nothing has edited the packet.</summary>
    internal IPacketSource Around(IPacketSource source) => new SidedSource(source, (SideRule?)_table ?? _learner!, _learner);

    /// <summary>
    /// Learns the sides where that is asked for: by reading the capture once before it is sent, or while it is sent where it can be read once. Writes the side file
    /// if it can be told already.
    /// </summary>
    /// <param name="path">The capture.</param>
    /// <param name="first">It, opened; nothing is read from it.</param>
    /// <param name="context">Progress, notes and the end.</param>
    internal void Prepare(string path, CaptureFileReader first, CommandContext context)
    {
        if (_table is not null)
        {
            foreach ((LinkTypeFilter filter, _) in _table.Filters)
            {
                FilterWords.CheckBefore(filter, first);
            }
        }
        else if (path == CaptureFile.StandardStream || FileStatus.Of(path) is not { IsRegular: true })
        {
            _learner = new SideLearner();
            context.Output.Warn(Printable.Escape(
                $"{first.Path} can be read once: each packet takes the side that is known when it is read, and what comes later corrects only those behind it."));
            return;
        }
        else
        {
            _table = Learn(path, context);
        }

        WriteSideFile(_table);
    }

    /// <summary>Opens the interfaces; for a rehearsal takes the packets and only counts them.</summary>
    /// <exception cref="LinuxException">There is no such interface, or no permission.</exception>
    internal TwoSidedSink Open(bool isDry, LinkInjectorOptions options)
    {
        if (isDry)
        {
            return _sink = new TwoSidedSink(new DiscardingSink(), new DiscardingSink(), KeepsOrder);
        }

        LinkInjector client = LinkInjector.Open(_clientInterface!, options);
        try
        {
            return _sink = new TwoSidedSink(client, LinkInjector.Open(_serverInterface!, options), KeepsOrder);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>What takes the packets for <c>-w</c>.</summary>
    internal IPacketSink Copy(CaptureFileWriter writer) => new TwoSidedCopy(writer, _clientInterface, _serverInterface);

    /// <summary>The line for people.</summary>
    internal void Write(TextWriter text) => text.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"Sides: {Describe(_sink!.Client)} of clients{On(_clientInterface)}, {Describe(_sink.Server)} of servers{On(_serverInterface)}"));

    /// <summary>The keys of the summary.</summary>
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteNumber("client_packets", _sink!.Client.Packets);
        json.WriteNumber("client_bytes", _sink.Client.Bytes);
        json.WriteNumber("server_packets", _sink.Server.Packets);
        json.WriteNumber("server_bytes", _sink.Server.Bytes);
        json.WriteNumber("unknown_side_packets", _sink.UnknownPackets);
    }

    /// <summary>After the last packet: writes the side file if that had to wait, and tells what went without its side being known.</summary>
    internal void Conclude(CommandOutput output)
    {
        if (_learner is not null)
        {
            WriteSideFile(_learner.ToTable());
            WarnOfLimit(_learner, output);
        }

        if (_sink!.UnknownPackets > 0)
        {
            output.Warn(string.Create(CultureInfo.InvariantCulture,
                $"nothing told the side of {_sink.UnknownPackets} packets: they left on the client's. To say it: --write-sides FILE, add their hosts or a default to it, --sides FILE."));
        }
    }

    /// <summary>Takes an unfinished side file away.</summary>
    public void Dispose() => _sideFile?.Dispose();

    private static SideTable Learn(string path, CommandContext context)
    {
        var learner = new SideLearner();
        using CaptureFileReader reader = CaptureFile.OpenRead(path, context.Signals.Token);
        using ProgressLine progress = ProgressLine.OfReading(context.Output, () => reader, () => string.Create(CultureInfo.InvariantCulture,
            $"learning the sides: {reader.PacketsRead} packets, {learner.FlowCount} conversations"));
        try
        {
            while (reader.TryRead(out CapturedPacket packet))
            {
                learner.Learn(in packet);
            }
        }
        catch (CaptureFileException)
        {
            // The replay comes to the same damage and tells it.
        }

        WarnOfLimit(learner, context.Output);
        return learner.ToTable();
    }

    private static void WarnOfLimit(SideLearner learner, CommandOutput output)
    {
        if (learner.PacketsBeyondLimit > 0)
        {
            output.Warn(string.Create(CultureInfo.InvariantCulture,
                $"only {learner.MaximumFlows} conversations are remembered: {learner.PacketsBeyondLimit} packets of others go with their hosts. Networks or a filter as --sides need no memory."));
        }
    }

    private void WriteSideFile(SideTable table)
    {
        if (_sideFile is not null)
        {
            using var writer = new StreamWriter(_sideFile.Stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
            SideFile.Write(table, writer);
            writer.Flush();
            _sideFile.Commit();
        }
    }

    private static string Describe(SideCounts counts) => string.Create(CultureInfo.InvariantCulture, $"{counts.Packets} packets ({counts.Bytes} bytes)");

    private static string On(string? interfaceName) => interfaceName is null ? "" : Printable.Escape($" on {interfaceName}");
}
