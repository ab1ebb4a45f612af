using System.Buffers.Binary;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Microsoft.Win32.SafeHandles;

namespace Interceptor.Replay;

/// <summary>
/// An image in memory that outlives the process that writes it while a guard has a duplicate of its descriptor. The writer fills it before the original is closed; who reads it finds it
/// whole or not at all. One thread a side.
/// <para>Layout, little endian: a byte that says how far it is (<see cref="Stage"/>), at 8 the lengths of the document and of both queues (int32 each), from 64 on the three of them.</para>
/// </summary>
internal sealed class SessionGuardMemory : IDisposable
{
    private const int LengthsOffset = 8;
    private const int ContentOffset = 64;
    private const int PageLength = 4096;
    private readonly FileDescriptor _fd;
    private readonly SafeFileHandle _file;

    /// <summary>Takes ownership of <paramref name="descriptor"/>.</summary>
    internal SessionGuardMemory(FileDescriptor descriptor)
    {
        _fd = descriptor;
        _file = new SafeFileHandle(descriptor.Number, ownsHandle: false);
    }

    /// <summary>How far the connection is.</summary>
    internal enum Stage : byte
    {
        /// <summary>No image.</summary>
        Empty,

        /// <summary>The image is whole.</summary>
        Whole,

        /// <summary>The connection was handed over: the image is history.</summary>
        Delivered,
    }

    internal int DescriptorNumber => _fd.Number;

    /// <summary>New and empty, with every page there: a page that has to be found inside the freeze costs more than its copy.</summary>
    /// <param name="bytes">Room for the queues.</param>
    /// <exception cref="LinuxException">There is not that much memory.</exception>
    internal static SessionGuardMemory Create(long bytes)
    {
        const int ForDocument = 64 * 1024;
        FileDescriptor fd = Libc.memfd_create("session image", Libc.MFD_CLOEXEC);
        if (fd.IsInvalid)
        {
            throw LinuxException.FromLastError("memfd_create", "the guard's image");
        }

        var memory = new SessionGuardMemory(fd);
        byte[] zeros = new byte[1 << 20];
        long end = ContentOffset + ForDocument + bytes + PageLength;
        for (long at = 0; at < end; at += zeros.Length)
        {
            RandomAccess.Write(memory._file, zeros.AsSpan(0, (int)Math.Min(zeros.Length, end - at)), at);
        }

        return memory;
    }

    internal void Write(SessionImage image)
    {
        Span<byte> lengths = stackalloc byte[12];
        byte[] document = SessionImageBytes.WriteDocument(image);
        BinaryPrimitives.WriteInt32LittleEndian(lengths, document.Length);
        BinaryPrimitives.WriteInt32LittleEndian(lengths[4..], image.ReceiveQueue.Length);
        BinaryPrimitives.WriteInt32LittleEndian(lengths[8..], image.SendQueue.Length);
        RandomAccess.Write(_file, lengths, LengthsOffset);
        RandomAccess.Write(_file, document, ContentOffset);
        RandomAccess.Write(_file, image.ReceiveQueue.Span, ContentOffset + document.Length);
        RandomAccess.Write(_file, image.SendQueue.Span, ContentOffset + document.Length + image.ReceiveQueue.Length);
        Set(Stage.Whole);
    }

    internal void Set(Stage stage) => RandomAccess.Write(_file, [(byte)stage], 0);

    /// <summary>The image, if it is whole.</summary>
    internal (Stage Stage, SessionImage? Image) Read()
    {
        byte[] head = Read(0, ContentOffset);
        var stage = (Stage)head[0];
        if (stage == Stage.Empty)
        {
            return (stage, null);
        }

        int document = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(LengthsOffset));
        int received = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(LengthsOffset + 4));
        int written = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(LengthsOffset + 8));
        return (stage, SessionImageBytes.Read(
            Read(ContentOffset, document), Read(ContentOffset + document, received), Read(ContentOffset + document + received, written)));
    }

    public void Dispose()
    {
        _file.Dispose();
        _fd.Dispose();
    }

    private byte[] Read(long offset, int length)
    {
        var bytes = new byte[length];
        for (int at = 0; at < length;)
        {
            int count = RandomAccess.Read(_file, bytes.AsSpan(at), offset + at);
            at += count > 0 ? count : throw new EndOfStreamException("The guard's image ends within itself.");
        }

        return bytes;
    }
}
