using System.Runtime.InteropServices;
using Interceptor.Interop;

namespace Interceptor.Capture.Intercept;

/// <summary>What the kernel answers to a message of ours: <c>struct nlmsgerr</c>, an error number and our message again.</summary>
internal readonly ref struct QueueAnswer
{
    private QueueAnswer(int errno, ushort type, ushort flags, uint sequence, ReadOnlySpan<byte> body)
    {
        Errno = errno;
        Type = type;
        IsAcknowledgement = (flags & NetlinkWriter.Acknowledge) != 0;
        Sequence = sequence;
        Body = body;
    }

    /// <summary>0 for success.</summary>
    internal int Errno { get; }

    /// <summary>Our message's type.</summary>
    internal ushort Type { get; }

    /// <summary>Our message asked for an answer in any case; else the kernel answers only what fails.</summary>
    internal bool IsAcknowledgement { get; }

    internal uint Sequence { get; }

    private ReadOnlySpan<byte> Body { get; }

    /// <summary>Reads the body of an error message. Total: false where it is too short.</summary>
    internal static bool TryParse(ReadOnlySpan<byte> body, out QueueAnswer answer)
    {
        answer = default;
        if (body.Length < sizeof(int) + NetlinkMessage.HeaderLength)
        {
            return false;
        }

        ReadOnlySpan<byte> original = body[sizeof(int)..];
        answer = new QueueAnswer(
            unchecked(-MemoryMarshal.Read<int>(body)),
            MemoryMarshal.Read<ushort>(original[4..]),
            MemoryMarshal.Read<ushort>(original[6..]),
            MemoryMarshal.Read<uint>(original[8..]),
            original[NetlinkMessage.HeaderLength..]);
        return true;
    }

    /// <summary>What our verdict was: a failed one comes back whole.</summary>
    internal void ReadVerdict(out bool isDrop, out bool isEdit)
    {
        isDrop = false;
        isEdit = false;
        var reader = new NetlinkAttributeReader(Body.Length > 4 ? Body[4..] : default);
        while (reader.TryRead())
        {
            isDrop |= reader.Type == QueueProtocol.VerdictHeader && reader.UInt32BigEndian() == QueueProtocol.Drop;
            isEdit |= reader.Type == QueueProtocol.Payload;
        }
    }
}
