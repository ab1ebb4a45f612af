using System.Runtime.InteropServices;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>What to move, and how the new owner gets it.</summary>
public sealed record SessionMoveOptions
{
    /// <summary>
    /// The network namespace of the connection, which keeps its address: the socket is restored there. Everything inside the freeze runs on this
    /// object's thread, callbacks too. The caller owns it.
    /// </summary>
    public required NetworkNamespace Namespace { get; init; }

    /// <summary>The process that has the connection. It is stopped (SIGSTOP) for the freeze, so it can't be this one.</summary>
    public required int OwnerPid { get; init; }

    /// <summary>The owner's end.</summary>
    public required FlowEndpoint Local { get; init; }

    /// <summary>The other end, which must not notice.</summary>
    public required FlowEndpoint Peer { get; init; }

    /// <summary>
    /// Called when everything is prepared, just before the freeze; returns when the moment for it has come (the connection goes on meanwhile, its
    /// packets passing through the queues). Null: at once. If it throws, nothing was changed.
    /// </summary>
    public Action? BeforeFreeze { get; init; }

    /// <summary>
    /// Hands the restored connection to its new owner, who must be running and waiting already: usually <see cref="SessionHandover.Send"/> over a Unix
    /// socket (SCM_RIGHTS). The connection lives when this is called, so reading and writing work; the peer's held packets come right after it.
    /// Called inside the freeze: send and return. The handle is borrowed, the move closes it afterwards; the image tells the new owner where its
    /// streams go on (<see cref="SessionImage.ReadOffset"/>, <see cref="SessionImage.WrittenOffset"/>). If it throws, nobody has taken the connection: it is
    /// closed silently, under every descriptor, and rescued as an image.
    /// </summary>
    public required Action<SafeHandle, SessionImage> Deliver { get; init; }

    /// <summary>
    /// Ends the old owner; called inside the freeze, after the original was closed silently and before the restore. Null: it is sent SIGKILL.
    /// Either way its end sends nothing, as its socket is no connection any more.
    /// </summary>
    public Action? EndOldOwner { get; init; }

    /// <summary>NFQUEUE number for the peer's packets; must be free in the namespace.</summary>
    public ushort InboundQueue { get; init; } = 61_000;

    /// <summary>NFQUEUE number for the owner's packets; must be free in the namespace.</summary>
    public ushort OutboundQueue { get; init; } = 61_001;

    /// <summary>Sends a window probe on resuming, which makes up for whatever was dropped within one round trip.</summary>
    public bool Probe { get; init; } = true;

    /// <summary>
    /// Where the image, with the held packets, is written after the move; must not exist. Null: nowhere, unless the move fails after the original was
    /// closed: then it is rescued into a new directory under the system's temporary one.
    /// </summary>
    public string? ImageDirectory { get; init; }

    /// <summary>
    /// A program with its first arguments that runs <see cref="SessionGuardian.Run"/> on its standard streams (<c>interceptor guard-session</c> does, or a program of the caller's own):
    /// a second process, which puts things right if this one is killed in between. Null: there is none.
    /// </summary>
    public IReadOnlyList<string>? GuardCommand { get; init; }

    /// <summary>Called before each step (false) and after each that succeeded (true), by tests: what it throws is that step's failure.</summary>
    internal Action<SessionStep, bool>? StepObserver { get; init; }
}
