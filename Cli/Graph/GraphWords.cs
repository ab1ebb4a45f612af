using System.Globalization;
using Interceptor.Cli.Output;
using Interceptor.Tcp.Graph;

namespace Interceptor.Cli.Graph;

/// <summary>Words, numbers and units of a picture.</summary>
internal static class GraphWords
{
    private static readonly (TimeSequenceKinds Kind, string Word)[] Kinds =
    [
        (TimeSequenceKinds.Retransmission, "retransmission"), (TimeSequenceKinds.Fast, "fast"), (TimeSequenceKinds.Spurious, "spurious"),
        (TimeSequenceKinds.OutOfOrder, "out_of_order"), (TimeSequenceKinds.KeepAlive, "keep_alive"), (TimeSequenceKinds.WindowFull, "window_full"),
        (TimeSequenceKinds.Syn, "syn"), (TimeSequenceKinds.Fin, "fin"), (TimeSequenceKinds.Rst, "rst"),
        (TimeSequenceKinds.DuplicateAck, "duplicate_ack"), (TimeSequenceKinds.ZeroWindow, "zero_window"),
    ];

    /// <summary>The bits that are set, joined by spaces.</summary>
    internal static string Of(TimeSequenceKinds kinds) => string.Join(' ', Kinds.Where(pair => (kinds & pair.Kind) != 0).Select(pair => pair.Word));

    /// <summary>Text for an element or attribute of XML or HTML; what a terminal would act on is made visible too.</summary>
    internal static string Xml(string text) => System.Net.WebUtility.HtmlEncode(Printable.Escape(text));

    /// <summary>A count of bytes with its binary unit, as <c>1.5 KiB</c>.</summary>
    internal static string Bytes(double count)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        int unit = 0;
        while (Math.Abs(count) >= 1024 && unit < units.Length - 1)
        {
            count /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{Math.Round(count, 2) + 0.0:0.##} {units[unit]}");
    }

    /// <summary>A time with its unit, as <c>1.5 s</c>.</summary>
    internal static string Duration(double nanoseconds) => Math.Abs(nanoseconds) switch
    {
        >= 1e9 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e9:0.######} s"),
        >= 1e6 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e6:0.###} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e3:0.###} µs"),
    };

    /// <summary>A count with its noun.</summary>
    internal static string Count(long count, string noun) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:#,0} {noun}{(count == 1 ? "" : "s")}");
}
