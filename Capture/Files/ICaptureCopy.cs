using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>
/// Takes the packets of a capture file with everything that both sides can hold, in one file or several.
/// <para>Ends: <see cref="Commit"/> says that they are complete; disposing without it leaves old files of those names as they were. Threads: one.</para>
/// </summary>
public interface ICaptureCopy : IDisposable
{
    /// <summary>Packets written.</summary>
    long PacketsWritten { get; }

    /// <summary>True where the files get their names from <see cref="Commit"/>.</summary>
    bool IsWrittenAside { get; }

    /// <summary>Writes the packet that was read last.</summary>
    void Copy(in CapturedPacket packet);

    /// <summary>Writes what became of the packet that was read last: the hash that the file may have of it is left out.</summary>
    void CopyChanged(in CapturedPacket packet);

    /// <summary>Writes a further packet that was made of the one read last: of its options it gets the flags.</summary>
    void CopyPiece(in CapturedPacket packet);

    /// <summary>Hands whole blocks to the operating system.</summary>
    void Flush();

    /// <summary>Makes the files complete: interfaces without packets are described too.</summary>
    void Commit();
}
