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
        WarnOfPackets(report, path, injector, output);
        if (report.Damage is { } damage)
        {
            output.Warn(Printable.Escape(damage.Message));
            return CommandRunner.CodeOf(damage);
        }

        if (report.Packets > 0)
        {
            return report.Failed > 0 ? ExitCode.Failed : ExitCode.Done;
        }

        if (report.Interrupted || report is { Failed: 0, StepsEnded: true })
        {
            output.Warn($"{(report.Interrupted ? "interrupted" : "ended")} before a packet was sent.");
            return ExitCode.Interrupted;
        }

        output.Warn(Printable.Escape($"{path}: no packet was sent: {WhyNothing(report, injector)}."));
        return report is { Failed: 0, Skipped: 0 } ? ExitCode.BadInput : ExitCode.Failed;
    }

    private static void WarnOfPackets(ReplayReport report, string path, IPacketInjector? injector, CommandOutput output)
    {
        if (report.Truncated > 0)
        {
            output.Warn($"{Counted.Of(report.Truncated, "packet")} had been cut when captured; what the capture holds of them was sent. --skip-truncated leaves them out.");
        }

        if (report is { OtherLinkType: > 0, Packets: > 0 } && injector is not null)
        {
            string types = string.Join(", ", report.OtherLinkTypes.Select(static other => $"{other.Packets} of {other.LinkType.GetName()}"));
            output.Warn(Printable.Escape($"{Counted.Of(report.OtherLinkType, "packet")} not sent for their link type ({types}): {injector.Carrier}."));
        }

        foreach (InjectionFailure failure in report.Failures)
        {
            string remedy = failure.Mtu is { } mtu ? $" Fit them with: interceptor rewrite {path} -o OUT --mtu {mtu}" : "";
            output.Warn(Printable.Escape($"{Counted.Of(failure.Packets, "packet")} not sent: {failure.Reason}.{remedy}"));
        }
    }

    private static string WhyNothing(ReplayReport report, IPacketInjector? injector) => report switch
    {
        { Failed: > 0 } => "the kernel took none",
        { OtherLinkType: > 0 } =>
            $"its {report.OtherLinkType} packets are of link type {string.Join(", ", report.OtherLinkTypes.Select(static other => other.LinkType.GetName()))}, and {injector?.Carrier}; "
            + "replay them on an interface of their kind (raw IP: a TUN)",
        { NotMatching: > 0 } => $"none of its {report.NotMatching} packets matches the filter",
        { CutSkipped: > 0 } => $"its {report.CutSkipped} packets had all been cut when captured, and --skip-truncated leaves those out",
        { LeftOut: > 0 } => $"its {report.LeftOut} packets were all left out by the edits",
        _ => "it holds none",
    };
}
