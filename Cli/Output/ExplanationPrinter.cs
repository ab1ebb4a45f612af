using System.Globalization;
using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.Cli.Output;

/// <summary>Prints what a filter became and where it can run.</summary>
internal static class ExplanationPrinter
{
    internal static void Write(CommandOutput output, FilterExplanation explanation, string? error)
    {
        if (output.Json)
        {
            WriteJson(output, explanation, error);
            return;
        }

        TextWriter text = output.Text;
        text.WriteLine($"Filter: {Printable.Escape(explanation.Expression)}");
        foreach (FilterListing listing in explanation.Listings)
        {
            string size = listing.Program is { } program ? Counted.Of(program.Length, "instruction") : $"does not compile: {Printable.Escape(listing.Error!)}";
            text.WriteLine($"\n{listing.LinkType.GetName()}: {size}{(listing.MatchesNothing ? ", no packet can match" : "")}");
            text.Write(listing.Program?.ToString());
        }

        text.WriteLine($"\nKernel capture: {LinkTypes(explanation, static listing => listing.RunsInKernelCapture)}");
        text.WriteLine($"xt_bpf:         {XtText(explanation.RawIp)}");
        text.WriteLine($"User space:     {LinkTypes(explanation, static listing => listing.RunsInUserSpace)}; {Engine()}");
    }

    private static void WriteJson(CommandOutput output, FilterExplanation explanation, string? error)
    {
        foreach (FilterListing listing in explanation.Listings)
        {
            output.WriteJson("explain", json =>
            {
                json.WriteString("filter", explanation.Expression);
                json.WriteString("link_type", listing.LinkType.GetName());
                json.WriteNumber("instructions", listing.Program?.Length ?? 0);
                json.WriteStartArray("listing");
                for (int i = 0; i < listing.Program?.Length; i++)
                {
                    json.WriteStringValue(BpfDisassembler.Line(listing.Program.Instructions[i], i));
                }

                json.WriteEndArray();
                json.WriteBoolean("matches_nothing", listing.MatchesNothing);
                json.WriteBoolean("kernel_capture", listing.RunsInKernelCapture);
                json.WriteBoolean("user_space", listing.RunsInUserSpace);
                json.WriteString("error", listing.Error);
            });
        }

        FilterListing raw = explanation.RawIp;
        output.WriteJson("summary", json =>
        {
            json.WriteNumber("programs", explanation.Listings.Count(static listing => listing.Program is not null));
            json.WriteBoolean("xt_bpf", raw.RunsInXt);
            json.WriteNumber("xt_instructions", raw.Program?.Length ?? 0);
            json.WriteNumber("xt_instruction_limit", BpfProgram.XtInstructionLimit);
            json.WriteString("xt_error", raw.Error);
            json.WriteBoolean("machine_code", BpfCompiler.IsSupported);
            json.WriteNumber("interpreted_packets", PacketFilter.CompileAfter);
            json.WriteString("error", error);
        });
    }

    private static string XtText(FilterListing raw) => raw switch
    {
        { Program: null } => $"no, it does not compile for raw IP: {Printable.Escape(raw.Error!)}",
        { MatchesNothing: true } => "no, no raw IP packet can match",
        { RunsInXt: true } => $"yes, {raw.Program!.Length} of at most {BpfProgram.XtInstructionLimit} instructions for raw IP",
        _ => $"no, {raw.Program!.Length} instructions for raw IP where at most {BpfProgram.XtInstructionLimit} fit",
    };

    private static string LinkTypes(FilterExplanation explanation, Func<FilterListing, bool> runs)
    {
        string[] names = [.. explanation.Listings.Where(runs).Select(static listing => listing.LinkType.GetName()).Distinct()];
        return names.Length == 0 ? "no" : $"yes, on {string.Join(", ", names)}";
    }

    private static string Engine() => BpfCompiler.IsSupported
        ? string.Create(CultureInfo.InvariantCulture, $"interpreted, and in machine code after {PacketFilter.CompileAfter} packets")
        : "interpreted";
}
