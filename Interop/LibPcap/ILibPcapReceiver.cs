namespace Interceptor.Interop;

/// <summary>Who takes packets from a <see cref="LibPcapReader"/>, on the thread that reads.</summary>
internal interface ILibPcapReceiver
{
    /// <summary>One packet; its bytes lie in the kernel's ring and are gone when the call returns.</summary>
    void Receive(in PcapPacketHeader header, ReadOnlySpan<byte> data);
}
