using System.Buffers;
using System.Text.Json;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Writes what is decided, so that an <see cref="ImpairmentSchedule"/> can decide it again. Threads: that of the interception.
/// </summary>
public sealed class ImpairmentScheduleWriter : IDisposable
{
    private const int BufferedBytes = 64 * 1024;

    private readonly Stream _stream;
    private readonly ArrayBufferWriter<byte> _buffer = new(2 * BufferedBytes);
    private readonly Utf8JsonWriter _json;
    private long _flows;

    /// <summary>Writes to a stream, which stays the caller's.</summary>
    public ImpairmentScheduleWriter(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        _stream = stream;
        _json = new Utf8JsonWriter(_buffer);
    }

    /// <summary>Decisions written.</summary>
    public long Count { get; private set; }

    /// <summary>Hands everything to the stream.</summary>
    /// <exception cref="IOException">It can't be written.</exception>
    public void Flush()
    {
        _stream.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
        _stream.Flush();
    }

    /// <summary>Ends without a flush.</summary>
    public void Dispose() => _json.Dispose();

    /// <summary>The first line.</summary>
    internal void Begin(bool superPackets)
    {
        BeginLine("schedule"u8);
        _json.WriteNumber("version"u8, ImpairmentSchedule.Version);
        _json.WriteBoolean("super_packets"u8, superPackets);
        EndLine();
    }

    /// <summary>The decision about the newest packet of a lane.</summary>
    internal void Write(PacketLane lane, in FlowKey flow, in ImpairmentDecision decision)
    {
        if (lane.Flow >= _flows)
        {
            _flows = lane.Flow + 1;
            BeginLine("flow"u8);
            _json.WriteNumber("flow"u8, lane.Flow);
            _json.WriteString("source"u8, flow.Source.ToString());
            _json.WriteString("destination"u8, flow.Destination.ToString());
            _json.WriteNumber("protocol"u8, flow.Protocol);
            EndLine();
        }

        if (decision.IsNone)
        {
            return;
        }

        Count++;
        BeginLine("decision"u8);
        _json.WriteNumber("flow"u8, lane.Flow);
        _json.WriteNumber("direction"u8, lane.Direction);
        _json.WriteString("hook"u8, FirewallHooks.NameOf(lane.Hook));
        _json.WriteNumber("packet"u8, lane.Packets);
        WriteTrue("drop"u8, decision.Drop);
        if (decision.DelayNanoseconds != 0)
        {
            _json.WriteNumber("delay_ns"u8, decision.DelayNanoseconds);
        }

        WriteTrue("duplicate"u8, decision.Duplicate);
        WriteTrue("overtakes"u8, decision.Overtakes);
        if (decision.Corrupt)
        {
            _json.WriteNumber("corrupt_bit"u8, decision.CorruptBit);
        }

        EndLine();
    }

    private void WriteTrue(ReadOnlySpan<byte> key, bool value)
    {
        if (value)
        {
            _json.WriteBoolean(key, true);
        }
    }

    private void BeginLine(ReadOnlySpan<byte> type)
    {
        _json.Reset();
        _json.WriteStartObject();
        _json.WriteString("type"u8, type);
    }

    private void EndLine()
    {
        _json.WriteEndObject();
        _json.Flush();
        _buffer.Write("\n"u8);
        if (_buffer.WrittenCount >= BufferedBytes)
        {
            Flush();
        }
    }
}
