namespace Interceptor.Tests.Tcp;

/// <summary>One flag of one direction that we and tshark count differently.</summary>
/// <param name="File">The capture.</param>
/// <param name="Stream">tshark's number of the stream, which is our connection's id.</param>
/// <param name="Direction">a: sent by the sender of the first segment; b: by the other end.</param>
/// <param name="Flag">tshark's name of the flag.</param>
/// <param name="Ours">What we count.</param>
/// <param name="Theirs">What tshark counts.</param>
internal sealed record AnalysisDifference(string File, string Stream, char Direction, string Flag, long Ours, long Theirs)
{
    /// <summary>As the line of the document begins.</summary>
    public override string ToString() => $"| {File} | {Stream} | {Direction} | {Flag} | {Ours} | {Theirs} |";
}
