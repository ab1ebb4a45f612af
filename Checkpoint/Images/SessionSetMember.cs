namespace Interceptor.Checkpoint;

/// <summary>One connection or listening socket of a set.</summary>
public sealed record SessionSetMember
{
    /// <summary>Its image, from the set's directory; in an earlier set for one that was carried over.</summary>
    public string Directory { get; init; } = "";

    /// <summary>The image's id, by which a restore names its descriptor.</summary>
    public string Id { get; init; } = "";

    /// <summary>The process's end.</summary>
    public string Local { get; init; } = "";

    /// <summary>The other end; port 0 of what listens.</summary>
    public string Peer { get; init; } = "";

    /// <summary>The state, as the RFC spells it.</summary>
    public string State { get; init; } = "";

    /// <summary>The SHA-256 of the image's commit record.</summary>
    public string CommitSha256 { get; init; } = "";

    /// <summary>True if it saw no packet since the earlier set that the image is in.</summary>
    public bool CarriedOver { get; init; }

    /// <summary>By what a later set knows that nothing happened.</summary>
    public SessionActivity Activity { get; init; }
}

/// <summary>A connection or listening socket of the process that is not in the set.</summary>
/// <param name="Local">The process's end.</param>
/// <param name="Peer">The other end.</param>
/// <param name="State">The state.</param>
/// <param name="Reason">Why not.</param>
public sealed record SessionLeftOut(string Local, string Peer, string State, string Reason);
