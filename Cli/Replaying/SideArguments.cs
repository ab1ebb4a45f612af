using System.CommandLine;
using Interceptor.Capture.Files;
using Interceptor.Replay;

namespace Interceptor.Cli.Replaying;

/// <summary>The options of a replay on two interfaces.</summary>
internal sealed class SideArguments
{
    private readonly Option<string> _server = new("--server-interface", "-I")
    {
        Description = "A second interface: what clients sent leaves by -i, what servers sent by this one.",
        HelpName = "IF2",
    };

    private readonly Option<string> _sides = new("--sides")
    {
        Description = "Who is a client: auto (the default with -I), a side FILE, networks (192.0.2.0/24,...) or MACs of the clients, or a filter of their packets.",
        HelpName = "SIDES",
    };

    private readonly Option<string> _writeSides = new("--write-sides") { Description = "Write the sides to a file that can be edited and given to --sides.", HelpName = "FILE" };

    /// <summary>All of them, in the order of the help.</summary>
    internal IEnumerable<Option> All => [_server, _sides, _writeSides];

    /// <summary>What the command line says; null for a replay of one side.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="interfaceName">What <c>-i</c> names.</param>
    /// <param name="isDry">A rehearsal needs no interfaces.</param>
    /// <param name="options">At top speed the order between the sides is not kept.</param>
    /// <param name="copyPath">What <c>-w</c> names.</param>
    /// <exception cref="UsageException">It contradicts itself or leaves something out.</exception>
    /// <exception cref="Interceptor.Replay.Sides.SideFileException">The side file can't be used.</exception>
    internal TwoSidedReplay? Read(ParseResult parsed, string? interfaceName, bool isDry, ReplayOptions options, string? copyPath)
    {
        string? server = parsed.GetValue(_server);
        string? sides = parsed.GetValue(_sides);
        string? writeTo = parsed.GetValue(_writeSides);
        if (server is null && sides is null && writeTo is null)
        {
            return null;
        }

        if (!isDry && (server is null || interfaceName is null))
        {
            throw new UsageException(server is null
                ? $"{(sides is null ? "--write-sides" : "--sides")} needs two interfaces: -i for the client's side and -I for the server's; or --dry-run to send nothing."
                : "a replay of two sides needs -i for the client's side beside -I for the server's; or --dry-run to send nothing.");
        }

        if (server is not null && server == interfaceName)
        {
            throw new UsageException($"-i and -I both name {server}: two sides need two interfaces.");
        }

        if (writeTo == CaptureFile.StandardStream)
        {
            throw new UsageException("--write-sides needs the name of a file: standard output has the summary.");
        }

        if (copyPath is not null && CaptureFile.HasPcapName(copyPath))
        {
            throw new UsageException($"-w {copyPath}: pcap has no interfaces to tell the two sides by; a name in .pcapng makes a pcapng file.");
        }

        return new TwoSidedReplay(SideChoice.Read(sides ?? "auto"), interfaceName, server, writeTo)
        {
            KeepsOrder = options.Pace.Kind != ReplayPaceKind.TopSpeed,
        };
    }
}
