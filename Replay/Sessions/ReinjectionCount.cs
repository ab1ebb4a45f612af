namespace Interceptor.Replay;

/// <summary>What became of the packets that were kept for a restored connection.</summary>
/// <param name="Kept">All of them: the sum of the next three.</param>
/// <param name="Sent">Given to the socket, or sent on to the peer.</param>
/// <param name="Left">Left out: the socket has what they say, or what they say is not true any more.</param>
/// <param name="Failed">Not deliverable: their senders send them again.</param>
/// <param name="Trimmed">Those of the sent ones that were cut down to what the socket lacked.</param>
public readonly record struct ReinjectionCount(int Kept, int Sent, int Left, int Failed, int Trimmed);
