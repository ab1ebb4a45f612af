using Interceptor.Capture.Injection;
using Interceptor.Cli.Output;
using Interceptor.Packets;
using Interceptor.Replay;

namespace Interceptor.Cli.Replaying;

/// <summary>What is to be said of a replay that ended, and its exit code: never success with nothing sent.</summary>
internal static class ReplayVerdict
{
    /// <param name="report">What was done.</param>
    /// <param name="path">The capture.</param>
    /// <param name="injector">What was sent on; null for a rehearsal.</param>
    /// <param name="output">Takes the warnings.</param>
    internal static int Conclude(ReplayReport report, string path, IPacketInjector? injector, CommandOutput output)
    {
        output.Flush();
        if (report.Truncated > 0)
        {
            output.Warn($"{report.Truncated} packets were cut when they were captured; what the capture holds of them was sent.");
        }

        foreach (InjectionFailure failure in report.Failures)
        {
            output.Warn(Printable.Escape($"{failure.Packets} packets were not sent: {failure.Reason}."));
        }

        if (report.Damage is { } damage)
        {
            output.Warn(Printable.Escape(damage.Message));
            return CommandRunner.CodeOf(damage);
        }

        if (report.Packets > 0)
        {
            return report.Failed > 0 ? ExitCode.Failed : ExitCode.Done;
        }

        if (report.Interrupted)
        {
            output.Warn("interrupted before a packet was sent.");
            return ExitCode.Interrupted;
        }

        output.Warn(Printable.Escape($"{path}: no packet was sent: {WhyNothing(report, injector)}."));
        return report is { Failed: 0, Skipped: 0 } ? ExitCode.BadInput : ExitCode.Failed;
    }

    private static string WhyNothing(ReplayReport report, IPacketInjector? injector) => report switch
    {
        { Failed: > 0 } => "the kernel took none",
        { OtherLinkType: > 0, FirstOtherLinkType: { } type } =>
            $"its {report.OtherLinkType} packets are of link type {type.GetName()}, and {injector?.Carrier}",
        { NotMatching: > 0 } => $"none of its {report.NotMatching} packets matches the filter",
        _ => "it holds none",
    };
}
