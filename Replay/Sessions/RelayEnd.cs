using System.Runtime.InteropServices;

namespace Interceptor.Replay;

/// <summary>One of the two ends that a <see cref="ConnectionRelay"/> joins: a connected stream socket, or a pair of other descriptors. Both stay the caller's.</summary>
/// <param name="Name">What it is called in messages, as <c>192.0.2.1:80</c>.</param>
/// <param name="Input">What is read.</param>
/// <param name="Output">What is written; the same as <paramref name="Input"/> for a socket, which is then made non-blocking.</param>
public sealed record RelayEnd(string Name, SafeHandle Input, SafeHandle Output)
{
    /// <summary>A connected socket.</summary>
    public RelayEnd(string name, SafeHandle socket)
        : this(name, socket, socket)
    {
    }

    /// <summary>True if nothing can be written to it any more, as to a connection whose own FIN had been sent before it was restored: nothing is read for it then.</summary>
    public bool IsWriteClosed { get; init; }

    internal bool IsSocket => ReferenceEquals(Input, Output);
}
