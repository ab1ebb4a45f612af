using System.Globalization;
using System.Text.Json;
using Interceptor.Cli.Output;
using Interceptor.Packets;
using Interceptor.Replay.Stateful;

namespace Interceptor.Cli.Replaying;

/// <summary>Tells of a stateful replay while it runs: a line for each difference, and for each connection where that is asked for.</summary>
internal sealed class StatefulPrinter(CommandOutput output, bool isVerbose, bool asClient) : IStatefulReplayObserver
{
    // Connections left out that are told one by one; --json and -v tell all.
    private const int MostLeftOut = 10;

    /// <summary>What can't be played, or not wholly.</summary>
    internal void TellLeftOut(ConversationSet set)
    {
        Tell("skipped", "not played", set.Skipped);
        Tell("reservation", "played in part", set.Reservations);
    }

    /// <summary>What would be played.</summary>
    internal void TellScripts(ConversationSet set)
    {
        foreach (ConversationScript script in set.Scripts)
        {
            if (output.Json)
            {
                output.WriteJson("connection", json =>
                {
                    WriteConnection(json, script);
                    json.WriteNumber("client_bytes", script.ClientBytes);
                    json.WriteNumber("server_bytes", script.ServerBytes);
                });
            }
            else
            {
                output.Text.WriteLine($"connection {script.Id} ({script.Client} > {script.Server}): {Counted.Of(script.ClientBytes, "byte")} of the client, {script.ServerBytes} of the server");
            }
        }

        if (output.Json)
        {
            output.WriteJson("summary", json =>
            {
                json.WriteNumber("connections", set.Scripts.Count);
                json.WriteNumber("skipped", set.Skipped.Count);
                json.WriteBoolean("dry_run", true);
            });
        }
        else
        {
            output.Text.WriteLine($"Dry run: {Counted.Of(set.Scripts.Count, "connection")} would be played");
        }
    }

    /// <inheritdoc/>
    public void Listening(FlowEndpoint address) => output.Warn($"listening on {address} as the captured server; Ctrl-C ends.");

    /// <inheritdoc/>
    public void Diverged(ReplayDivergence divergence)
    {
        if (output.Json)
        {
            output.WriteJson("divergence", json => WriteJson(json, divergence));
            return;
        }

        output.ClearLine?.Invoke();
        output.Text.WriteLine(DivergenceText.Of(divergence));
        output.Flush();
    }

    /// <inheritdoc/>
    public void Ended(ConversationOutcome outcome)
    {
        if (!isVerbose)
        {
            return;
        }

        if (output.Json)
        {
            output.WriteJson("connection", json =>
            {
                WriteConnection(json, outcome.Script);
                json.WriteBoolean("matched", outcome.Matches);
                json.WriteNumber("divergences", outcome.Divergences);
                json.WriteNumber("masked", outcome.Masked);
                json.WriteNumber("bytes", outcome.SentBytes);
                json.WriteNumber("received_bytes", outcome.ReceivedBytes);
                json.WriteNumber("elapsed_ms", outcome.ElapsedNanoseconds / 1e6);
                json.WriteBoolean("interrupted", outcome.WasInterrupted);
            });
            return;
        }

        string verdict = outcome.Divergences > 0 ? Counted.Of(outcome.Divergences, "difference") : outcome.WasInterrupted ? "interrupted" : "matches";
        output.ClearLine?.Invoke();
        output.Text.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{DivergenceText.Name(outcome.Script.Id, outcome.Script.Client, outcome.Script.Server)}: {verdict}; {outcome.SentBytes} bytes sent, {outcome.ReceivedBytes} received in {outcome.ElapsedNanoseconds / 1e6:F3} ms"));
    }

    private void Tell(string type, string words, IReadOnlyList<SkippedConversation> conversations)
    {
        foreach (SkippedConversation one in output.Json || isVerbose ? conversations : conversations.Take(MostLeftOut))
        {
            if (output.Json)
            {
                output.WriteJson(type, json =>
                {
                    json.WriteNumber("connection", one.Id);
                    json.WriteEndpoint("client", one.Client);
                    json.WriteEndpoint("server", one.Server);
                    json.WriteString("reason", one.Reason);
                });
            }
            else
            {
                output.Text.WriteLine($"{DivergenceText.Name(one.Id, one.Client, one.Server)}: {words}: {one.Reason}");
            }
        }

        if (!output.Json && !isVerbose && conversations.Count > MostLeftOut)
        {
            output.Text.WriteLine($"and {Counted.Of(conversations.Count - MostLeftOut, "other connection")} {words} (-v tells of each)");
        }
    }

    private void WriteJson(Utf8JsonWriter json, ReplayDivergence divergence)
    {
        if (divergence.ConnectionId is { } id)
        {
            json.WriteNumber("connection", id);
        }
        else
        {
            json.WriteNull("connection");
        }

        json.WriteEndpoint("client", divergence.Client);
        json.WriteEndpoint("server", divergence.Server);
        json.WriteString("direction", asClient ? "server_to_client" : "client_to_server");
        json.WriteString("kind", DivergenceText.KindOf(divergence.Kind));
        json.WriteNumber("offset", divergence.Offset);
        if (divergence.Packet is { } packet)
        {
            json.WriteNumber("packet", packet);
        }
        else
        {
            json.WriteNull("packet");
        }

        json.WriteNumber("expected_length", divergence.ExpectedLength);
        json.WriteNumber("seen_length", divergence.SeenLength);
        json.WriteString("expected", Printable.EscapeBytes(divergence.Expected.Span));
        json.WriteString("seen", Printable.EscapeBytes(divergence.Seen.Span));
        json.WriteString("reason", divergence.Reason);
    }

    private static void WriteConnection(Utf8JsonWriter json, ConversationScript script)
    {
        json.WriteNumber("id", script.Id);
        json.WriteEndpoint("client", script.Client);
        json.WriteEndpoint("server", script.Server);
        json.WriteNumber("first_packet", script.FirstPacket);
    }
}
