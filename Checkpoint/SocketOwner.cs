using Interceptor.Packets;

namespace Interceptor.Checkpoint;

/// <summary>A TCP connection as a process has it.</summary>
/// <param name="Pid">The process.</param>
/// <param name="Descriptor">The descriptor's number in that process.</param>
/// <param name="Inode">The socket's inode.</param>
/// <param name="Local">The process's end.</param>
/// <param name="Peer">The other end.</param>
public sealed record SocketOwner(int Pid, int Descriptor, long Inode, FlowEndpoint Local, FlowEndpoint Peer)
{
    /// <summary><c>192.0.2.1:80-192.0.2.2:49152 (descriptor 5 of process 1234)</c>.</summary>
    public override string ToString() => $"{Local}-{Peer} (descriptor {Descriptor} of process {Pid})";
}
