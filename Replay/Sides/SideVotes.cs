namespace Interceptor.Replay.Sides;

/// <summary>
/// What speaks for either side of a host or hardware address, by evidence: the strongest kind at which one side has more decides. Each balance is the
/// votes for the client less those for the server.
/// </summary>
internal struct SideVotes
{
    private long _byHandshake;
    private long _byFirstPacket;
    private long _byQuestion;

    /// <summary>What they say; unknown where the sides are even.</summary>
    internal readonly PacketSide Side
    {
        get
        {
            long balance = _byHandshake != 0 ? _byHandshake : _byFirstPacket != 0 ? _byFirstPacket : _byQuestion;
            return balance > 0 ? PacketSide.Client : balance < 0 ? PacketSide.Server : PacketSide.Unknown;
        }
    }

    /// <summary>Adds a vote for a side; a vote for the other one takes it back.</summary>
    internal void Add(PacketSide side, SideEvidence evidence)
    {
        int vote = side == PacketSide.Client ? 1 : -1;
        switch (evidence)
        {
            case SideEvidence.Handshake:
                _byHandshake += vote;
                break;
            case SideEvidence.FirstPacket:
                _byFirstPacket += vote;
                break;
            default:
                _byQuestion += vote;
                break;
        }
    }
}
