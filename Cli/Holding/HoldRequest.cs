using Interceptor.Capture.Intercept;
using Interceptor.Tcp.Breakpoints;

namespace Interceptor.Cli.Holding;

/// <summary>How <c>intercept</c> is to hold.</summary>
/// <param name="Options">What, how much and for how long.</param>
/// <param name="Breakpoint">Where it begins; null for everywhere.</param>
/// <param name="IsPage">A person works on it, at a page.</param>
/// <param name="IsControl">A program works on it, through standard input.</param>
internal sealed record HoldRequest(HoldOptions Options, Breakpoint? Breakpoint, bool IsPage, bool IsControl);
