using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Interceptor.Checkpoint;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Replay;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor image DIR</c>: checks a session image and shows what is in it; <c>--diff A B</c>: what changed between two.</summary>
internal static class ImageCommand
{
    private static readonly Argument<string[]> Images = new("DIR")
    {
        Description = "The session image, or a set of them; two images with --diff.",
        Arity = new ArgumentArity(1, 2),
    };

    private static readonly Option<bool> Diff = new("--diff") { Description = "Show what changed from the first image to the second; exit code 5 if anything did." };

    internal static Command Create()
    {
        var command = new Command("image", "Checks a session image against its commit record and shows what is in it.") { Images, Diff, SessionKeyOption.Key };
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        string[] paths = parsed.GetRequiredValue(Images);
        bool isDiff = parsed.GetValue(Diff);
        if (isDiff != (paths.Length == 2))
        {
            throw new UsageException(isDiff ? "--diff compares two images: interceptor image --diff A B." : "one image is shown; --diff compares two.");
        }

        return isDiff ? Compare(paths, context.Output) : Show(paths[0], parsed, context.Output);
    }

    private static int Show(string path, ParseResult parsed, CommandOutput output)
    {
        if (SessionSet.IsSet(path))
        {
            using SessionKey? keyOfSet = SessionKeyOption.Read(parsed);
            return ImageSet.Show(path, keyOfSet, output);
        }

        JsonObject document = SessionImageDirectory.ReadDocument(path);
        using SessionKey? key = SessionKeyOption.Read(parsed);

        // Without the key of an encrypted image all but its bytes can be shown.
        SessionImage? image = document["encryption"] is null || key is not null ? SessionFiles.Read(path, key) : null;
        string? restored = SessionRestoreMark.ReadFrom(path);
        IReadOnlyList<string> newer = SessionNewerImages.FindFrom(path);
        if (!output.Json)
        {
            SessionImageText.Write(output.Text, document, image, restored, newer);
            return ExitCode.Done;
        }

        output.WriteJson("image", json =>
        {
            json.WriteString("directory", path);
            foreach ((string name, JsonNode? value) in document)
            {
                json.WritePropertyName(name);
                if (value is null)
                {
                    json.WriteNullValue();
                }
                else
                {
                    value.WriteTo(json);
                }
            }

            json.WriteString("restored", restored);
            json.WriteStartArray("newer");
            foreach (string later in newer)
            {
                json.WriteStringValue(later);
            }

            json.WriteEndArray();
            json.WritePropertyName("held_packets");
            if (image is null)
            {
                json.WriteNullValue();
            }
            else
            {
                json.WriteNumberValue(image.HeldPackets.Count);
            }
        });
        output.WriteJson("summary", json => json.WriteNumber("images", 1));
        return ExitCode.Done;
    }

    private static int Compare(string[] paths, CommandOutput output)
    {
        IReadOnlyList<SessionDifference> differences = SessionComparison.Compare(
            SessionImageDirectory.ReadDocument(paths[0]), SessionImageDirectory.ReadDocument(paths[1]));
        if (output.Json)
        {
            foreach (SessionDifference difference in differences)
            {
                output.WriteJson("difference", json =>
                {
                    json.WriteString("field", difference.Field);
                    json.WritePropertyName("before");
                    json.WriteRawValue(difference.Before ?? "null");
                    json.WritePropertyName("after");
                    json.WriteRawValue(difference.After ?? "null");
                    if (difference.Advance is { } advance)
                    {
                        json.WriteNumber("advance", advance);
                    }
                });
            }

            output.WriteJson("summary", json => json.WriteNumber("differences", differences.Count));
        }
        else
        {
            WriteText(output, differences);
        }

        return differences.Count == 0 ? ExitCode.Done : ExitCode.Differences;
    }

    private static void WriteText(CommandOutput output, IReadOnlyList<SessionDifference> differences)
    {
        if (differences.Count == 0)
        {
            output.Text.Write("nothing changed\n");
            return;
        }

        var table = new TextTable("FIELD", " BEFORE", " AFTER", " CHANGE");
        foreach (SessionDifference difference in differences)
        {
            table.Add(
                difference.Field, Printable.Escape(difference.Before ?? "-"), Printable.Escape(difference.After ?? "-"),
                difference.Advance is { } advance ? advance.ToString("+0;-0", CultureInfo.InvariantCulture) : ChangeOf(difference));
        }

        table.Write(output.Text);
    }

    private static string ChangeOf(SessionDifference difference) =>
        long.TryParse(difference.Before, CultureInfo.InvariantCulture, out long before) && long.TryParse(difference.After, CultureInfo.InvariantCulture, out long after)
            ? (after - before).ToString("+0;-0", CultureInfo.InvariantCulture)
            : "";
}
