using Interceptor.Cli.Output;
using Interceptor.Packets;
using Interceptor.Replay.Stateful;

namespace Interceptor.Cli.Replaying;

/// <summary>A difference in words.</summary>
internal static class DivergenceText
{
    /// <summary>One line, safe for a terminal.</summary>
    internal static string Of(ReplayDivergence divergence)
    {
        string name = divergence.ConnectionId is { } id ? Name(id, divergence.Client, divergence.Server) : $"{divergence.Client} > {divergence.Server}";
        string place = $"at byte {divergence.Offset} of the {(divergence.IsOfServer ? "server" : "client")}" + (divergence.Packet is { } packet ? $" (packet {packet})" : "");
        string reason = divergence.Reason is { } why ? $": {Printable.Escape(why)}" : "";
        string missing = divergence.ExpectedLength > 0 ? $", {Counted.Of(divergence.ExpectedLength, "byte")} missing from \"{Printable.EscapeBytes(divergence.Expected.Span)}\" on" : "";
        return $"{name}: " + divergence.Kind switch
        {
            DivergenceKind.Changed => $"{place} expected {Bytes(divergence.ExpectedLength, divergence.Expected)}, seen {Bytes(divergence.SeenLength, divergence.Seen)}",
            DivergenceKind.Inserted => $"{place} {Bytes(divergence.SeenLength, divergence.Seen)} put in",
            DivergenceKind.Missing => $"{place} {Bytes(divergence.ExpectedLength, divergence.Expected)} left out",
            DivergenceKind.Extra => $"{place}, its end, {Bytes(divergence.SeenLength, divergence.Seen)} more came",
            DivergenceKind.Closed => $"{place} it closed{missing}",
            DivergenceKind.Reset => $"{place} the connection broke{reason}{missing}",
            DivergenceKind.Timeout => $"{place} nothing came in time{reason}{missing}",
            DivergenceKind.NotClosed => $"{place} it did not close",
            DivergenceKind.Refused => $"could not be opened{reason}",
            DivergenceKind.Unexpected => "came, and the capture has no connection for it any more",
            _ => "no client asked for it",
        };
    }

    /// <summary>A connection's name, as in the other commands' text.</summary>
    internal static string Name(int id, FlowEndpoint client, FlowEndpoint server) => $"connection {id} ({client} > {server})";

    /// <summary>The kind's name in JSON.</summary>
    internal static string KindOf(DivergenceKind kind) => kind switch
    {
        DivergenceKind.Changed => "changed",
        DivergenceKind.Inserted => "inserted",
        DivergenceKind.Missing => "missing",
        DivergenceKind.Extra => "extra",
        DivergenceKind.Closed => "closed",
        DivergenceKind.Reset => "reset",
        DivergenceKind.Timeout => "timeout",
        DivergenceKind.NotClosed => "not_closed",
        DivergenceKind.Refused => "refused",
        DivergenceKind.Unexpected => "unexpected",
        _ => "not_asked",
    };

    private static string Bytes(long length, ReadOnlyMemory<byte> shown) =>
        $"\"{Printable.EscapeBytes(shown.Span)}\"{(length > shown.Length ? "..." : "")} ({Counted.Of(length, "byte")})";
}
