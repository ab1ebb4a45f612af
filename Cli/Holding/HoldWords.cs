using Interceptor.Capture.Intercept;

namespace Interceptor.Cli.Holding;

/// <summary>The words for what a hold queue does, on the command line and in JSON.</summary>
internal static class HoldWords
{
    private static readonly string[] Overflows = ["release-oldest", "drop-oldest", "drop-newest"];

    internal static string NameOf(HoldOverflow overflow) => Overflows[(int)overflow];

    internal static string NameOf(HoldReason reason) => reason.ToString().ToLowerInvariant();

    internal static bool TryParse(string? text, out HoldOverflow overflow)
    {
        int index = Array.IndexOf(Overflows, text);
        overflow = (HoldOverflow)Math.Max(index, 0);
        return index >= 0;
    }

    /// <summary>What a limit does, of those that are about one; null of other reasons.</summary>
    internal static HoldOverflow? PolicyOf(HoldLimits limits, HoldReason reason) => reason switch
    {
        HoldReason.Packets => limits.OnPackets,
        HoldReason.Bytes => limits.OnBytes,
        HoldReason.Age => limits.OnAge,
        _ => null,
    };
}
