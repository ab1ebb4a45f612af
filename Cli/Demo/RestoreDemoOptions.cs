using Interceptor.Tcp;

namespace Interceptor.Cli.Demo;

/// <summary>What <c>demo restore</c> is told.</summary>
/// <param name="Bytes">Bytes in each direction.</param>
internal sealed record RestoreDemoOptions(long Bytes)
{
    /// <summary>The least: below it the transfer would be over before it could be moved.</summary>
    internal const long LeastBytes = 1024 * 1024;

    /// <summary>The most in the second and third act: the whole stays short, and the third one's capture small.</summary>
    internal const long MostBytesOfLaterActs = 32 * 1024 * 1024;

    /// <summary>The acts' numbers: the same host, another namespace, from a capture.</summary>
    internal static readonly IReadOnlyList<int> AllActs = [1, 2, 3];

    /// <summary>How long the transfer takes at least: the ends read no faster. Long enough for a busy machine to prepare the move meanwhile.</summary>
    internal static readonly TimeSpan LeastDuration = TimeSpan.FromSeconds(3);

    /// <summary>Called just before the move, for tests that make it fail.</summary>
    internal Action<DemoPeers>? BeforeMove { get; init; }

    /// <summary>Is told of the segments on the client's link, for a picture; null for nobody.</summary>
    internal ITcpSegmentObserver? Recorder { get; init; }
}
