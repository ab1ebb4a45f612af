using System.CommandLine;
using Interceptor.Capture.Live;
using Interceptor.Cli.Input;
using Interceptor.Interop;

namespace Interceptor.Cli.Commands;

/// <summary>What <c>interceptor capture</c> captures on, and how.</summary>
internal static class CaptureInterfaceOptions
{
    private static readonly Option<string[]> Interfaces = new("-i", "--interface")
    {
        Description = "The interface; several with -i again; any for all of them. See: interceptor interfaces.",
        HelpName = "IF",
        Required = true,
    };

    private static readonly Option<string?> Namespace = new("--netns")
    {
        Description = "Capture in another network namespace: a name of ip netns, a path, or the number of a process in it.",
        HelpName = "NAME",
    };

    private static readonly Option<int> SnapLength = new("-s", "--snapshot-length")
    {
        Description = "Bytes kept of a packet, 1 to 262144; 0 is the most.",
        HelpName = "SNAPLEN",
        DefaultValueFactory = static _ => LiveCaptureOptions.MaximumSnapLength,
    };

    private static readonly Option<bool> NotPromiscuous = new("-p", "--no-promiscuous-mode") { Description = "Only packets for this machine." };

    private static readonly Option<string?> BufferSize = new("-B", "--buffer-size")
    {
        Description = "Size of the kernel's ring, as 64MiB (default 8MiB), for each interface.",
        HelpName = "SIZE",
    };

    private static readonly Option<bool> Immediate = new("--immediate")
    {
        Description = "Hand over each packet as it comes, instead of gathering for up to 100 ms.",
    };

    private static readonly Option<string?> Source = new("--time-source", "--time-stamp-type", "-j")
    {
        Description = "Who stamps the packets; without it the kernel. See: --list-time-sources.",
        HelpName = "NAME",
    };

    private static readonly Option<bool> ListSources = new("--list-time-sources", "--list-time-stamp-types", "-J")
    {
        Description = "List who can stamp the packets of the interfaces, and capture nothing.",
    };

    static CaptureInterfaceOptions() => Source.AcceptOnlyFromAmong([.. TimeSource.Names]);

    /// <summary>The options, in the order of the help.</summary>
    internal static IEnumerable<Option> All => [Interfaces, Namespace, SnapLength, NotPromiscuous, BufferSize, Immediate, Source, ListSources];

    /// <summary>True where the time sources are asked for.</summary>
    internal static bool WantsTimeSources(ParseResult parsed) => parsed.GetValue(ListSources);

    /// <summary>The names after -i, each once.</summary>
    internal static string[] NamesOf(ParseResult parsed)
    {
        string[] names = [.. parsed.GetRequiredValue(Interfaces).Distinct(StringComparer.Ordinal)];
        return names.Length > 0 && names.All(static name => name.Length > 0)
            ? names
            : throw new UsageException("-i wants the name of an interface. See: interceptor interfaces.");
    }

    /// <summary>One for each interface.</summary>
    /// <exception cref="UsageException">A number is out of its range.</exception>
    internal static LiveCaptureOptions[] Read(ParseResult parsed, string filter)
    {
        int snapLength = parsed.GetValue(SnapLength);
        if (snapLength is < 0 or > LiveCaptureOptions.MaximumSnapLength)
        {
            throw new UsageException($"-s wants a number of bytes from 0 to {LiveCaptureOptions.MaximumSnapLength}.");
        }

        var common = new LiveCaptureOptions
        {
            Interface = "",
            Filter = filter,
            SnapLength = snapLength == 0 ? LiveCaptureOptions.MaximumSnapLength : snapLength,
            Promiscuous = !parsed.GetValue(NotPromiscuous),
            Immediate = parsed.GetValue(Immediate),
            TimeSource = parsed.GetValue(Source),
        };
        if (parsed.GetValue(BufferSize) is { } text)
        {
            long bytes = Quantity.Size(text);
            common = bytes is > 0 and <= int.MaxValue
                ? common with { BufferBytes = (int)bytes }
                : throw new UsageException($"-B wants a size from 1 byte to 2 GiB, not '{text}'.");
        }

        return [.. NamesOf(parsed).Select(name => common with { Interface = name })];
    }

    /// <summary>Does something in the network namespace that was asked for, or here.</summary>
    /// <exception cref="LinuxException">There is no such namespace, or it may not be entered.</exception>
    internal static T InNamespace<T>(ParseResult parsed, Func<T> function) => InNamespace(parsed.GetValue(Namespace), function);

    /// <summary>The same for a name; null is here.</summary>
    /// <exception cref="LinuxException">There is no such namespace, or it may not be entered.</exception>
    internal static T InNamespace<T>(string? name, Func<T> function)
    {
        if (name is null)
        {
            return function();
        }

        if (name.Length == 0)
        {
            throw new UsageException("--netns wants a name, a path or the number of a process.");
        }

        using NetworkNamespace network = NetworkNamespace.Open(name);
        return network.Run(function);
    }
}
