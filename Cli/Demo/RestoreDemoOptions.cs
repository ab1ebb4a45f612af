namespace Interceptor.Cli.Demo;

/// <summary>What <c>demo restore</c> is told.</summary>
/// <param name="Bytes">Bytes in each direction.</param>
internal sealed record RestoreDemoOptions(long Bytes)
{
    /// <summary>The least: below it the transfer would be over before it could be moved.</summary>
    internal const long LeastBytes = 1024 * 1024;


    /// <summary>How long the transfer takes at least: the ends read no faster.</summary>
    internal static readonly TimeSpan LeastDuration = TimeSpan.FromSeconds(2);

    /// <summary>Called just before the move, for tests that make it fail.</summary>
    internal Action<DemoPeers>? BeforeMove { get; init; }
}
