using System.Buffers.Binary;
using Interceptor.Interop;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Verdict messages on their way to the kernel: several go out in one send. Runs of plain accepts with nothing older pending become one batch verdict.
/// <para>Threads: guarded by its owner.</para>
/// </summary>
internal sealed class VerdictBuffer(NetlinkSocket socket, ushort queue)
{
    // Below the default send buffer of 208 KiB, and room for one edited packet of 64 KiB beyond the threshold.
    private const int Capacity = 128 << 10;
    private const int FlushThreshold = 56 << 10;
    private const int SmallMessageLength = 20 + 12 + 8;
    private readonly byte[] _bytes = GC.AllocateArray<byte>(Capacity, pinned: true);
    private int _length;
    private bool _hasRun;
    private uint _runEnd;
    private uint _runLength;

    /// <summary>Accepts every packet up to <paramref name="id"/> that still waits. Sent later than any verdict before it.</summary>
    /// <param name="id">The newest packet of the run.</param>
    /// <param name="packets">How many packets this adds to the run.</param>
    internal void AcceptUpTo(uint id, uint packets = 1)
    {
        _hasRun = true;
        _runEnd = id;
        _runLength += packets;
    }

    internal void Add(uint id, uint verdict, uint? mark, ReadOnlySpan<byte> payload, bool acknowledge = false)
    {
        CloseRun();
        Reserve(SmallMessageLength + 4 + NetlinkWriter.Align(payload.Length));
        var writer = new NetlinkWriter(_bytes, _length);
        ushort flags = acknowledge ? (ushort)(NetlinkWriter.Request | NetlinkWriter.Acknowledge) : NetlinkWriter.Request;
        writer.BeginNetfilterMessage(QueueProtocol.VerdictMessage, flags, id, 0, queue);
        WriteHeader(ref writer, verdict, id);
        if (mark is { } value)
        {
            writer.AttributeBigEndian(QueueProtocol.Mark, value);
        }

        if (!payload.IsEmpty)
        {
            writer.Attribute(QueueProtocol.Payload, payload);
        }

        writer.EndMessage();
        _length = writer.Length;
        if (_length > FlushThreshold)
        {
            Flush();
        }
    }

    /// <summary>Hands everything to the kernel; its delivery of accepted packets happens inside the call.</summary>
    internal void Flush()
    {
        CloseRun();
        if (_length > 0)
        {
            int length = _length;
            _length = 0;
            socket.Send(_bytes.AsSpan(0, length));
        }
    }

    private void CloseRun()
    {
        if (!_hasRun)
        {
            return;
        }

        _hasRun = false;
        Reserve(SmallMessageLength);
        var writer = new NetlinkWriter(_bytes, _length);
        // The sequence number comes back in an error: it tells how many packets a failed batch stood for.
        writer.BeginNetfilterMessage(QueueProtocol.VerdictBatchMessage, NetlinkWriter.Request, _runLength, 0, queue);
        WriteHeader(ref writer, QueueProtocol.Accept, _runEnd);
        writer.EndMessage();
        _length = writer.Length;
        _runLength = 0;
    }

    private void Reserve(int length)
    {
        if (_length + length > Capacity)
        {
            int pending = _length;
            _length = 0;
            socket.Send(_bytes.AsSpan(0, pending));
        }
    }

    internal static void WriteHeader(ref NetlinkWriter writer, uint verdict, uint id)
    {
        Span<byte> header = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32BigEndian(header, verdict);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], id);
        writer.Attribute(QueueProtocol.VerdictHeader, header);
    }
}
