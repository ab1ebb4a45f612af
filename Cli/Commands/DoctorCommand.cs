using System.CommandLine;
using Interceptor.Cli.Doctor;
using Interceptor.Cli.Output;

namespace Interceptor.Cli.Commands;

internal static class DoctorCommand
{
    internal static Command Create()
    {
        var command = new Command("doctor", "Tries what this machine can do: kernel features, tools, permissions; each with its remedy.");
        command.SetBody((_, context) => Run(context.Output));
        return command;
    }

    private static int Run(CommandOutput output)
    {
        IReadOnlyList<MachineFinding> findings = MachineProbe.Run();
        int missing = findings.Count(finding => finding is { IsNeeded: true, IsPresent: false });
        if (output.Json)
        {
            WriteJson(output, findings, missing);
        }
        else
        {
            WriteText(output, findings, missing);
        }

        return missing == 0 ? ExitCode.Done : ExitCode.Missing;
    }

    private static void WriteText(CommandOutput output, IReadOnlyList<MachineFinding> findings, int missing)
    {
        output.Text.WriteLine(Printable.Escape(MachineProbe.Describe()));
        int width = findings.Max(finding => finding.Name.Length);
        foreach (MachineFinding finding in findings)
        {
            string mark = finding.IsPresent ? "yes" : finding.IsNeeded ? "NO " : "no ";
            output.Text.WriteLine($"  {mark} {finding.Name.PadRight(width)}  {Printable.Escape(finding.Detail)}");
            if (finding.Remedy is not null)
            {
                output.Text.WriteLine($"      {new string(' ', width)}  needed for {finding.NeededFor}. {finding.Remedy}");
            }
        }

        output.Text.WriteLine(missing == 0 ? "Everything needed is here." : $"Missing: {missing}.");
    }

    private static void WriteJson(CommandOutput output, IReadOnlyList<MachineFinding> findings, int missing)
    {
        foreach (MachineFinding finding in findings)
        {
            output.WriteJson("check", json =>
            {
                json.WriteString("name", finding.Name);
                json.WriteBoolean("present", finding.IsPresent);
                json.WriteBoolean("needed", finding.IsNeeded);
                json.WriteString("needed_for", finding.NeededFor);
                json.WriteString("detail", finding.Detail);
                json.WriteString("remedy", finding.Remedy);
            });
        }

        output.WriteJson("summary", json =>
        {
            json.WriteString("machine", MachineProbe.Describe());
            json.WriteNumber("checks", findings.Count);
            json.WriteNumber("missing", missing);
        });
    }
}
