using System.Globalization;
using System.Text;
using Interceptor.Capture.Intercept;
using Interceptor.Cli.Output;
using Interceptor.Packets;

namespace Interceptor.Cli.Holding;

/// <summary>The lower part of the page: a packet decoded and in hexadecimal. Pure.</summary>
internal static class HoldPane
{
    private static readonly string[] Keys =
    [
        "j k, arrows, PgUp PgDn, g G   select a packet          left right   scroll what is shown of it",
        "r   release the selected one                           R   release all, in order",
        "u   release all up to the selected one                 d   drop the selected one",
        "e   edit: field=value, as ttl=3 or tcp.flags=F., or offset:hex, as 40:474554",
        "t   edit the payload as text (\\r \\n \\t \\0 \\\\ \\xNN stand for bytes); of TCP its length stays",
        "D   let it go on twice, or once again                  p   hold no more packets, and hold again",
        "/   show only rows with these words                    ?   this help",
        "q   leave: what is held goes on in order (with --hold-end drop it is dropped), and the rules go",
        "",
        "AGAIN MS   milliseconds until the sender's timer sends it again; now: it is overdue; —: not known. COPIES: how often it has come again.",
    ];

    /// <summary>What the keys do.</summary>
    internal static IReadOnlyList<string> Help => Keys;

    /// <summary>A packet.</summary>
    internal static IReadOnlyList<string> Of(HeldItem item, long? resentIn)
    {
        var lines = new List<string> { Head(item, resentIn) };
        var formatter = new PacketFormatter(new PacketFormatOptions { Verbosity = 1, HexDump = HexDumpStyle.HexAndText });
        PacketView view = item.Parse();
        string text = formatter.Format(in view).ToString();
        lines.AddRange(text.Split('\n').Select(line => Printable.Escape(line.Replace("\t", "    ", StringComparison.Ordinal))));
        return lines;
    }

    /// <summary>The payload as it is typed.</summary>
    internal static string PayloadText(HeldItem item)
    {
        PacketView view = item.Parse();
        var text = new StringBuilder();
        foreach (byte value in view.Payload)
        {
            _ = value switch
            {
                (byte)'\n' => text.Append("\\n"),
                (byte)'\r' => text.Append("\\r"),
                (byte)'\t' => text.Append("\\t"),
                (byte)'\\' => text.Append("\\\\"),
                >= (byte)' ' and < 0x7f => text.Append((char)value),
                _ => text.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}"),
            };
        }

        return text.ToString();
    }

    private static string Head(HeldItem item, long? resentIn)
    {
        string again = resentIn is not { } left ? "not known when it comes again"
            : left <= 0 ? "its sender's timer is overdue"
            : string.Create(CultureInfo.InvariantCulture, $"its sender sends it again in {left / 1e6:0} ms");
        string copies = item.Copies == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {item.Copies} {(item.Copies == 1 ? "copy" : "copies")} came");
        return string.Create(CultureInfo.InvariantCulture,
            $"── packet {item.Id} at {FirewallHooks.NameOf(item.Hook)}, {item.Data.Length} bytes{copies}{(item.IsEdited ? ", edited" : "")}{(item.IsDoubled ? ", goes on twice" : "")}; {again} ──");
    }
}
