using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Interceptor.Capture.Files;
using Interceptor.Checkpoint;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Replay;
using Interceptor.Tcp;
using Interceptor.Tcp.Rebuild;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor checkpoint --from-capture FILE --connection ID --side client|server -o DIR</c>: a connection's packets become a session image.</summary>
internal static class CheckpointFromCapture
{
    internal static readonly Option<string?> File = new("--from-capture")
    {
        Description = "Build the image out of this capture instead of a process: pcap or pcapng, also compressed. With --connection ID, as interceptor tcp prints it, and --side; "
            + "or with LOCAL-PEER. Its host is not needed.",
        HelpName = "FILE",
    };

    private static readonly Option<string?> Side = new("--side") { Description = "With --from-capture and an ID: which end becomes the image.", HelpName = "client|server" };

    private static readonly Option<string?> At = new("--at")
    {
        Description = "With --from-capture: as of this instant: seconds from the capture's first packet, or ns since the epoch. Default: its end.",
        HelpName = "T",
    };

    private static readonly Option<string?> Assume = new("--assume")
    {
        Description = "With --from-capture: what the handshake said, where the capture does not have it: mss=1460 (the peer's), snd-window-scale=7 (the peer's), rcv-window-scale=7 "
            + "(this end's), window-scale=7 for both or none, sack=yes|no.",
        HelpName = "FIELD=VALUE,...",
    };

    private static readonly Option<long?> ReadOffset = new("--read-offset")
    {
        Description = "With --from-capture: how many bytes of the peer's stream the application had read; what came behind them is unread. Default: all that came in order.",
        HelpName = "N",
    };

    internal static void AddTo(Command command)
    {
        Side.AcceptOnlyFromAmong("client", "server");
        foreach (Option option in (ReadOnlySpan<Option>)[File, Side, At, Assume, ReadOffset])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Fails where options of a capture are given without one.</summary>
    internal static void RequireAbsent(ParseResult parsed)
    {
        if (parsed.GetValue(Side) is not null || parsed.GetValue(At) is not null || parsed.GetValue(Assume) is not null || parsed.GetValue(ReadOffset) is not null)
        {
            throw new UsageException("--side, --at, --assume and --read-offset are for --from-capture FILE.");
        }
    }

    /// <param name="parsed">The command line.</param>
    /// <param name="path">The capture.</param>
    /// <param name="connection">ID or LOCAL-PEER.</param>
    /// <param name="directory">The image to write.</param>
    /// <param name="key">What to encrypt it with, or null.</param>
    /// <param name="context">The command's.</param>
    internal static int Run(ParseResult parsed, string path, string connection, string directory, SessionKey? key, CommandContext context)
    {
        TcpInstant? at = TcpInstant.Parse(parsed.GetValue(At));
        var options = new SessionFromCaptureOptions
        {
            Request = ReadRequest(parsed, connection),
            At = at?.Nanoseconds,
            IsRelative = at is { IsRelative: true },
        };
        SessionImageDirectory.RequireCanCreate(directory);
        InputFile.Check(path);
        context.Signals.SecondEndsAtOnce = true;
        SessionImage image;
        StreamOrigin origin;
        using (CaptureFileReader source = CaptureFile.OpenRead(path, context.Signals.Token))
        using (ProgressLine.OfReading(context.Output, () => source, static () => "reading"))
        {
            image = SessionFromCapture.Read(source, options, out origin);
        }

        SessionFiles.Write(directory, image, key);
        foreach (string warning in image.Warnings)
        {
            context.Output.Warn(Printable.Escape(warning));
        }

        if (context.Output.Json)
        {
            context.Output.WriteJson("summary", json => WriteFields(json, image, origin, directory));
        }
        else
        {
            context.Output.Text.Write(TextOf(image, origin, directory));
        }

        return ExitCode.Done;
    }

    private static RebuildRequest ReadRequest(ParseResult parsed, string connection)
    {
        bool hasId = int.TryParse(connection, NumberStyles.None, CultureInfo.InvariantCulture, out int id);
        string? side = parsed.GetValue(Side);
        if (hasId == side is null)
        {
            throw new UsageException(hasId
                ? "which end of the connection? --side client or --side server."
                : "--side goes with an ID: in LOCAL-PEER, LOCAL is the end that becomes the image.");
        }

        if (parsed.GetValue(ReadOffset) is < 0)
        {
            throw new UsageException("--read-offset wants a number of bytes, 0 or more.");
        }

        return new RebuildRequest
        {
            ConnectionId = hasId ? id : null,
            Ends = hasId ? null : ConnectionName.Parse(connection),
            IsClient = side == "client",
            ReadOffset = parsed.GetValue(ReadOffset),
            Assumptions = ParseAssumptions(parsed.GetValue(Assume) ?? ""),
        };
    }

    internal static HandshakeAssumptions ParseAssumptions(string text)
    {
        var assumptions = new HandshakeAssumptions();
        foreach (string word in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] parts = word.Split('=', 2);
            string value = parts.Length == 2 ? parts[1] : "";
            assumptions = parts[0] switch
            {
                "mss" => assumptions with { Mss = Number(word, value, 1, ushort.MaxValue) },
                "window-scale" when value == "none" => assumptions with { WindowScaling = false },
                "window-scale" => assumptions with { SndWindowScale = Number(word, value, 0, 14), RcvWindowScale = Number(word, value, 0, 14) },
                "snd-window-scale" => assumptions with { SndWindowScale = Number(word, value, 0, 14) },
                "rcv-window-scale" => assumptions with { RcvWindowScale = Number(word, value, 0, 14) },
                "sack" when value is "yes" or "no" => assumptions with { SackPermitted = value == "yes" },
                _ => throw Bad(word, "FIELD=VALUE with mss, window-scale (or none), snd-window-scale, rcv-window-scale, sack=yes|no"),
            };
        }

        return assumptions is { WindowScaling: false } and ({ SndWindowScale: not null } or { RcvWindowScale: not null })
            ? throw new UsageException("--assume: window-scale=none contradicts a shift.")
            : assumptions;
    }

    private static int Number(string word, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
            ? number
            : throw Bad(word, string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}"));

    private static UsageException Bad(string word, string wanted) => new($"--assume: '{word}' is not understood: it wants {wanted}.");

    private static string TextOf(SessionImage image, StreamOrigin origin, string directory)
    {
        TcpSnapshot snapshot = image.Snapshot;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            {snapshot.Local}-{snapshot.Peer} {snapshot.State.ToRfcName()} -> {Printable.Escape(directory)}
            unread {snapshot.UnreadBytes} bytes; unacknowledged {snapshot.InFlightBytes} bytes; beyond a gap {Counted.Of(image.HeldPackets.Count, "packet")}
            its application had read {image.ReadOffset} bytes and written {image.WrittenOffset(origin)}
            assumed, as no packet tells it: {string.Join(", ", image.Assumed)}

            """);
    }

    private static void WriteFields(Utf8JsonWriter json, SessionImage image, StreamOrigin origin, string directory)
    {
        TcpSnapshot snapshot = image.Snapshot;
        json.WriteString("image", directory);
        json.WriteString("image_id", image.Id);
        json.WriteNumber("image_bytes", new DirectoryInfo(directory).EnumerateFiles().Sum(static file => file.Length));
        json.WriteString("source", "capture");
        json.WriteString("local", snapshot.Local.ToString());
        json.WriteString("peer", snapshot.Peer.ToString());
        json.WriteString("state", snapshot.State.ToRfcName());
        json.WriteNumber("at_ns", image.CutAt.Nanoseconds);
        json.WriteNumber("receive_queue_bytes", snapshot.UnreadBytes);
        json.WriteNumber("in_flight_bytes", snapshot.InFlightBytes);
        json.WriteNumber("unsent_bytes", snapshot.UnsentBytes);
        json.WriteNumber("held_packets", image.HeldPackets.Count);
        json.WriteNumber("read_offset", image.ReadOffset);
        json.WriteNumber("written_offset", image.WrittenOffset(origin));
        json.WriteStartArray("assumed");
        foreach (string field in image.Assumed)
        {
            json.WriteStringValue(field);
        }

        json.WriteEndArray();
    }
}
