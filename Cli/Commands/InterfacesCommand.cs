using System.CommandLine;
using System.Text.Json;
using Interceptor.Capture.Live;
using Interceptor.Cli.Output;
using Interceptor.Packets;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor interfaces</c>: what one can capture on.</summary>
internal static class InterfacesCommand
{
    private static readonly Option<string?> Namespace = new("--netns")
    {
        Description = "Of another network namespace: a name of ip netns, a path, or the number of a process in it.",
        HelpName = "NAME",
    };

    internal static Command Create()
    {
        var command = new Command("interfaces", "Lists the interfaces one can capture on.") { Namespace };
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        IReadOnlyList<NetworkInterfaceInfo> interfaces = CaptureInterfaceOptions.InNamespace(parsed.GetValue(Namespace), NetworkInterfaces.List);
        foreach (NetworkInterfaceInfo info in interfaces)
        {
            if (context.Output.Json)
            {
                context.Output.WriteJson("interface", json => WriteFields(json, info));
            }
            else
            {
                context.Output.Text.Write(TextOf(info));
                context.Output.Text.Write('\n');
            }
        }

        if (context.Output.Json)
        {
            context.Output.WriteJson("summary", json => json.WriteNumber("interfaces", interfaces.Count));
        }

        return ExitCode.Done;
    }

    private static string TextOf(NetworkInterfaceInfo info)
    {
        string state = StateOf(info);
        string loopback = info.IsLoopback ? ", loopback" : "";
        string link = info.LinkType is { } type ? $", {type.GetName()}" : "";
        string description = info.Description is { } text ? $" ({Printable.Escape(text)})" : "";
        string line = $"{Printable.Escape(info.Name)}: {state}{loopback}{link}{description}";
        return info.Addresses.Count == 0 ? line : $"{line}\n    {string.Join(' ', info.Addresses)}";
    }

    private static string StateOf(NetworkInterfaceInfo info) => info switch
    {
        { IsRunning: true } => "up, running",
        { IsUp: true } => "up",
        { LinkType: null, Description: not null } => "device",
        _ => "down",
    };

    private static void WriteFields(Utf8JsonWriter json, NetworkInterfaceInfo info)
    {
        json.WriteString("name", info.Name);
        json.WriteString("description", info.Description);
        json.WriteStartArray("addresses");
        foreach (IpAddress address in info.Addresses)
        {
            json.WriteStringValue(address.ToString());
        }

        json.WriteEndArray();
        json.WriteBoolean("up", info.IsUp);
        json.WriteBoolean("running", info.IsRunning);
        json.WriteBoolean("loopback", info.IsLoopback);
        json.WriteString("link_type", info.LinkType?.GetName());
    }
}
