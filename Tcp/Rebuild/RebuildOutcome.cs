namespace Interceptor.Tcp.Rebuild;

/// <summary>What a rebuild came to: the socket, or why there is none.</summary>
/// <param name="Socket">Null with a fault.</param>
/// <param name="Fault">The kind.</param>
/// <param name="Problem">Whole sentences for people; empty without a fault.</param>
public sealed record RebuildOutcome(RebuiltSocket? Socket, RebuildFault Fault, string Problem);
