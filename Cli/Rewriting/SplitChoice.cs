using Interceptor.Capture.Files;

namespace Interceptor.Cli.Rewriting;

/// <summary>What <c>--split</c> says.</summary>
/// <param name="Kind">What decides.</param>
/// <param name="Amount">How much goes into a file, where that decides.</param>
internal sealed record SplitChoice(SplitKind Kind, long Amount);
