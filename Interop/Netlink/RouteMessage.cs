using System.Runtime.InteropServices;
using System.Text;

namespace Interceptor.Interop;

/// <summary>
/// One rtnetlink request being written: header, family header, attributes (rtnetlink(7)). Numbers are in the machine's byte order.
/// The buffer is the caller's; the requests here are a few hundred bytes.
/// </summary>
internal ref struct RouteMessage
{
    internal const int HeaderLength = 16;
    private const int AttributeHeaderLength = 4;

    private readonly Span<byte> _buffer;

    internal RouteMessage(Span<byte> buffer, ushort type, ushort flags, uint sequence)
    {
        _buffer = buffer;
        buffer.Clear();
        MemoryMarshal.Write(buffer[4..], type);
        MemoryMarshal.Write(buffer[6..], flags);
        MemoryMarshal.Write(buffer[8..], sequence);
        Length = HeaderLength;
    }

    /// <summary>Bytes written, always a multiple of 4.</summary>
    internal int Length { get; private set; }

    /// <summary>The whole message, its length field filled in.</summary>
    internal readonly ReadOnlySpan<byte> Finish()
    {
        MemoryMarshal.Write(_buffer, Length);
        return _buffer[..Length];
    }

    /// <summary>Appends a fixed header, as <c>ifinfomsg</c> or <c>ifaddrmsg</c>.</summary>
    internal void Append(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer[Length..]);
        Length += Align(bytes.Length);
    }

    /// <summary><c>ifinfomsg</c>: the interface's index (0: none yet), and the IFF_ flags to set and which of them change.</summary>
    internal void AppendInterface(int index, uint flags = 0, uint change = 0)
    {
        Span<byte> header = stackalloc byte[16];
        header.Clear();
        MemoryMarshal.Write(header[4..], index);
        MemoryMarshal.Write(header[8..], flags);
        MemoryMarshal.Write(header[12..], change);
        Append(header);
    }

    internal void Attribute(ushort type, scoped ReadOnlySpan<byte> value)
    {
        int start = Open(type);
        Append(value);
        Close(start, AttributeHeaderLength + value.Length);
    }

    internal void Attribute(ushort type, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        MemoryMarshal.Write(bytes, value);
        Attribute(type, bytes);
    }

    /// <summary>A zero-terminated string.</summary>
    internal void Attribute(ushort type, string value)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(value) + 1];
        Encoding.UTF8.GetBytes(value, bytes);
        Attribute(type, bytes);
    }

    /// <summary>Begins an attribute that holds attributes; give the result to <see cref="Close(int)"/>.</summary>
    internal int Open(ushort type)
    {
        int start = Length;
        MemoryMarshal.Write(_buffer[(start + 2)..], type);
        Length += AttributeHeaderLength;
        return start;
    }

    internal readonly void Close(int start) => Close(start, Length - start);

    private readonly void Close(int start, int length) => MemoryMarshal.Write(_buffer[start..], (ushort)length);

    internal static int Align(int length) => (length + 3) & ~3;
}
