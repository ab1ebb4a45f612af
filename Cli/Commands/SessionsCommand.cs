using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Interceptor.Checkpoint;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor sessions [--pid P] [filter]</c>: the TCP connections of this machine, and whether each can be checkpointed.</summary>
internal static class SessionsCommand
{
    private static readonly Option<int?> Pid = new("--pid") { Description = "Only the connections of this process, in its network namespace.", HelpName = "PID" };

    private static readonly Option<string?> Namespace = new("--netns")
    {
        Description = "Of another network namespace: a name of ip netns, a path, or the number of a process in it.",
        HelpName = "NAME",
    };

    private static readonly Option<bool> All = new("--all", "-a") { Description = "Also listening sockets, unfinished handshakes and TIME-WAIT." };

    private static readonly Argument<string[]> Filter = new("filter")
    {
        Description = "Only connections whose packets would match this expression (man pcap-filter), as: tcp port 80.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    internal static Command Create()
    {
        var command = new Command("sessions", "Lists TCP connections with owner, state, queues and windows, and tells whether each can be checkpointed.")
        {
            Pid, Namespace, All, Filter,
        };
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        int? pid = parsed.GetValue(Pid);
        if (pid <= 0)
        {
            throw new UsageException($"{pid} is not a process.");
        }

        string expression = FilterWords.Join(parsed.GetValue(Filter));
        PacketFilter? filter = expression.Length == 0 ? null : PacketFilter.Compile(expression, LinkType.Raw);
        string? network = parsed.GetValue(Namespace) ?? (pid is { } process && Directory.Exists($"/proc/{process}") ? $"/proc/{process}/ns/net" : null);
        IReadOnlyList<SessionOverview> sessions = CaptureInterfaceOptions.InNamespace(network, () => SessionCatalog.Read(pid, parsed.GetValue(All)));
        if (filter is not null)
        {
            var packets = new PacketBuilder();
            sessions = [.. sessions.Where(session => Matches(filter, packets, session.Local, session.Peer) || Matches(filter, packets, session.Peer, session.Local))];
        }

        if (context.Output.Json)
        {
            foreach (SessionOverview session in sessions)
            {
                context.Output.WriteJson("session", json => WriteFields(json, session));
            }

            context.Output.WriteJson("summary", json =>
            {
                json.WriteNumber("sessions", sessions.Count);
                json.WriteNumber("can_checkpoint", sessions.Count(static session => session.CanCheckpoint));
            });
        }
        else
        {
            WriteText(context.Output, sessions);
        }

        return ExitCode.Done;
    }

    private static bool Matches(PacketFilter filter, PacketBuilder packets, FlowEndpoint from, FlowEndpoint to)
    {
        packets.Clear();
        _ = from.Address.IsIpv4 ? packets.Ipv4(from.Address, to.Address) : packets.Ipv6(from.Address, to.Address);
        byte[] packet = packets.Tcp(from.Port, to.Port, default, default, TcpFlags.Ack).ToArray();
        return filter.Matches(packet, packet.Length);
    }

    private static void WriteText(CommandOutput output, IReadOnlyList<SessionOverview> sessions)
    {
        if (sessions.Count == 0)
        {
            output.Warn("there is no such connection here.");
            return;
        }

        var table = new TextTable("LOCAL", "PEER", "STATE", " RECV-Q", " SEND-Q", " SND-WND", " RCV-WND", " RTT", "PROCESS", "CHECKPOINT");
        foreach (SessionOverview session in sessions)
        {
            table.Add(
                session.Local.ToString(), session.Peer.ToString(), session.State.ToRfcName(),
                Number(session.ReceiveQueue), Number(session.SendQueue),
                session.Path is { } path ? Number(path.SndWnd) : "-",
                session.Path is { } same ? Number(same.RcvWnd) : "-",
                session.Path is { RoundTripTime.Ticks: > 0 } timed ? string.Create(CultureInfo.InvariantCulture, $"{timed.RoundTripTime.TotalMilliseconds:0.000} ms") : "-",
                session.Holders.Count == 0 ? "-" : string.Join(", ", session.Holders.Select(static holder => $"{Printable.Escape(holder.Name)} ({holder.Pid})")),
                TextOf(session));
        }

        table.Write(output.Text);
    }

    private static string TextOf(SessionOverview session)
    {
        string reasons = string.Join("; ", session.Obstacles.Select(static obstacle => obstacle.Reason));
        return reasons.Length == 0 ? "yes" : (session.CanCheckpoint ? "yes, but " : "no: ") + reasons;
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static void WriteFields(Utf8JsonWriter json, SessionOverview session)
    {
        json.WriteEndpoint("local", session.Local);
        json.WriteEndpoint("peer", session.Peer);
        json.WriteString("state", session.State.ToRfcName());
        json.WriteNumber("receive_queue_bytes", session.ReceiveQueue);
        json.WriteNumber("send_queue_bytes", session.SendQueue);
        if (session.Path is { } path)
        {
            json.WriteNumber("unsent_bytes", path.UnsentBytes);
            json.WriteNumber("snd_wnd", path.SndWnd);
            json.WriteNumber("rcv_wnd", path.RcvWnd);
            json.WriteNumber("rtt_ms", path.RoundTripTime.TotalMilliseconds);
            json.WriteNumber("rto_ms", path.RetransmissionTimeout.TotalMilliseconds);
            json.WriteNumber("snd_mss", path.SndMss);
            json.WriteNumber("retransmissions", path.Retransmissions);
            json.WriteString("congestion_control", path.CongestionControl);
        }

        json.WriteNumber("uid", session.UserId);
        json.WriteNumber("inode", session.Inode);
        json.WriteStartArray("processes");
        foreach (SessionHolder holder in session.Holders)
        {
            json.WriteStartObject();
            json.WriteNumber("pid", holder.Pid);
            json.WriteString("name", holder.Name);
            json.WriteNumber("descriptor", holder.Descriptor);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteBoolean("can_checkpoint", session.CanCheckpoint);
        json.WriteStartArray("obstacles");
        foreach (CheckpointObstacle obstacle in session.Obstacles)
        {
            json.WriteStartObject();
            ObstacleReport.WriteFields(json, obstacle);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
