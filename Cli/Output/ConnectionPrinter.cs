using System.Globalization;
using Interceptor.Tcp;

namespace Interceptor.Cli.Output;

/// <summary>
/// Prints connections, a line of JSON or three of text for each.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed class ConnectionPrinter(CommandOutput output)
{
    private readonly JsonLine _line = new();
    private readonly TcpConnectionText _text = new(output.Text);

    /// <summary>Prints one.</summary>
    /// <param name="connection">What is known of it.</param>
    /// <param name="withDetail">In text, all of it.</param>
    internal void Print(in TcpConnectionReport connection, bool withDetail = false)
    {
        if (output.Json)
        {
            _line.Begin("connection"u8);
            TcpConnectionJson.Write(_line, in connection);
            _line.End();
            output.WriteJsonLine(_line.Written);
            return;
        }

        _text.Write(in connection);
        if (withDetail)
        {
            TcpConnectionDetail.Write(output.Text, in connection);
        }
    }

    /// <summary>Says what was given up because the memory was at its limit; nothing for nothing.</summary>
    /// <param name="statistics">The tracker's.</param>
    /// <param name="reason">The words that name the limit.</param>
    internal void WarnOfGivenUp(TcpTrackerStatistics statistics, string reason)
    {
        if (statistics.GapsGivenUp + statistics.Evicted > 0)
        {
            output.Flush();
            output.Warn(string.Create(CultureInfo.InvariantCulture,
                $"{reason}: {statistics.GapsGivenUp} connections no longer waited for missing text; {statistics.EvictedHalfOpen} half-open and {statistics.EvictedIdle} idle ones were given up before their end."));
        }
    }
}
