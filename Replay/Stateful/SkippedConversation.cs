using Interceptor.Packets;

namespace Interceptor.Replay.Stateful;

/// <summary>A connection of the capture that can't be played, or is played with a reservation.</summary>
/// <param name="Id">Its id, as <c>interceptor tcp</c> gives it.</param>
/// <param name="Client">Who opened it.</param>
/// <param name="Server">Who answered.</param>
/// <param name="Reason">Why, as a sentence without a full stop.</param>
public sealed record SkippedConversation(int Id, FlowEndpoint Client, FlowEndpoint Server, string Reason);
