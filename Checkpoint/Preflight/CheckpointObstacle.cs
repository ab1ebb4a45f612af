namespace Interceptor.Checkpoint;

/// <summary>Why a connection can't be checkpointed, or what of it would be lost.</summary>
/// <param name="Code">A word for programs, as <c>mptcp</c>.</param>
/// <param name="Reason">What stands in the way, as the end of the sentence "it can't be checkpointed: ...".</param>
/// <param name="Remedy">What to do, a sentence; empty where nothing can be done.</param>
/// <param name="IsLoss">It can be checkpointed all the same: the reason says what is lost.</param>
public sealed record CheckpointObstacle(string Code, string Reason, string Remedy, bool IsLoss = false);
