namespace Interceptor.Replay.Sides;

/// <summary>The side of a two-sided replay that a packet comes from.</summary>
public enum PacketSide : byte
{
    /// <summary>Nothing tells.</summary>
    Unknown,

    /// <summary>A client sent it: it leaves by the first interface.</summary>
    Client,

    /// <summary>A server sent it: it leaves by the second one.</summary>
    Server,
}
