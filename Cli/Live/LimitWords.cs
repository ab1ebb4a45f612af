using System.Globalization;
using Interceptor.Tcp.Activity;

namespace Interceptor.Cli.Live;

/// <summary>What holds connections back, in words.</summary>
internal static class LimitWords
{
    /// <summary>As <c>&gt;recv 93%</c>: the direction that sent more lately, what held it back for longest, for which part of the time. Empty where nothing was sent.</summary>
    internal static string Short(ConnectionRow row)
    {
        bool isServers = IsServers(row);
        SendLimitTimes times = isServers ? row.ServerLimits : row.ClientLimits;
        if (times.Total == 0 || row.IsOver)
        {
            return "";
        }

        double share = 100.0 * times.Of(times.Longest) / times.Total;
        return string.Create(CultureInfo.InvariantCulture, $"{(isServers ? '<' : '>')}{Word(times.Longest)} {share:0}%");
    }

    /// <summary>The limit's name in JSON.</summary>
    internal static string Name(SendLimit limit) => limit switch
    {
        SendLimit.Application => "application",
        SendLimit.Network => "network",
        SendLimit.Receiver => "receiver",
        SendLimit.Stalled => "stalled",
        _ => "unknown",
    };

    private static string Word(SendLimit limit) => limit switch
    {
        SendLimit.Application => "app",
        SendLimit.Network => "net",
        SendLimit.Receiver => "recv",
        SendLimit.Stalled => "stall",
        _ => "?",
    };

    // Where neither sends, the one that is kept from it.
    private static bool IsServers(ConnectionRow row) =>
        row.ServerAverage > row.ClientAverage || (row.ServerAverage == row.ClientAverage && row.ClientLimits.Total == 0);
}
