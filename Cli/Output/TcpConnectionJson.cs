using System.Text.Json;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Cli.Output;

/// <summary>A connection as the contract's JSON has it.</summary>
internal static class TcpConnectionJson
{
    internal static void Write(Utf8JsonWriter json, in TcpConnectionReport connection)
    {
        json.WriteNumber("id", connection.Id);
        WriteAddress(json, "client", connection.Client);
        WriteAddress(json, "server", connection.Server);
        json.WriteNumber("first_packet_ns", connection.FirstPacketAt.Nanoseconds);
        json.WriteNumber("last_packet_ns", connection.LastPacketAt.Nanoseconds);
        json.WriteString("opened", connection.Opening == TcpOpening.Handshake ? "handshake" : "midstream");
        json.WriteString("closed", connection.Closing switch
        {
            TcpClosing.Fin => "fin",
            TcpClosing.Reset => "reset",
            _ => "open",
        });
        json.WriteBoolean("evicted", connection.IsEvicted);
        WriteDirection(json, "client_to_server", connection.FromClient);
        WriteDirection(json, "server_to_client", connection.FromServer);
        WriteSocket(json, "client_socket", connection.FromClient);
        WriteSocket(json, "server_socket", connection.FromServer);
    }

    private static void WriteAddress(Utf8JsonWriter json, string key, FlowEndpoint end)
    {
        json.WriteStartObject(key);
        json.WriteString("address", end.Address.ToString());
        json.WriteNumber("port", end.Port);
        json.WriteEndObject();
    }

    private static void WriteDirection(Utf8JsonWriter json, string key, in TcpEndpointReport sender)
    {
        TcpDirectionCounters counters = sender.Counters;
        json.WriteStartObject(key);
        json.WriteNumber("packets", counters.Packets);
        json.WriteNumber("payload_bytes", counters.PayloadBytes);
        json.WriteNumber("stream_bytes", sender.StreamBytes);
        json.WriteNumber("missing_bytes", sender.MissingBytes);
        WriteNumberOrNull(json, "conflicting_bytes", sender.ConflictingBytes);
        if (sender.Sha256 is { } hash)
        {
            json.WriteString("stream_sha256", hash.ToString());
            json.WriteNumber("unhashed_bytes", sender.UnhashedBytes);
        }

        json.WriteNumber("retransmissions", counters.Retransmissions);
        json.WriteNumber("fast_retransmissions", counters.FastRetransmissions);
        json.WriteNumber("spurious_retransmissions", counters.SpuriousRetransmissions);
        json.WriteNumber("out_of_order", counters.OutOfOrder);
        json.WriteNumber("duplicate_acks", counters.DuplicateAcks);
        json.WriteNumber("zero_windows", counters.ZeroWindows);
        json.WriteNumber("window_full", counters.WindowFull);
        json.WriteNumber("keep_alives", counters.KeepAlives);
        json.WriteNumber("lost_segments", counters.LostSegments);
        json.WriteNumber("window_updates", counters.WindowUpdates);
        json.WriteNumber("zero_window_probes", counters.ZeroWindowProbes);
        json.WriteNumber("urgent_marks", sender.UrgentMarks);
        json.WriteNumber("syn", counters.Syn);
        json.WriteNumber("fin", counters.Fin);
        json.WriteNumber("rst", counters.Rst);
        WriteOffer(json, in sender);
        WriteRoundTrips(json, sender.RoundTrips);
        json.WriteEndObject();
    }

    private static void WriteOffer(Utf8JsonWriter json, in TcpEndpointReport sender)
    {
        WriteNumberOrNull(json, "initial_sequence", sender.Iss?.Value);
        WriteNumberOrNull(json, "mss", sender.Offer.MaximumSegmentSize);
        WriteNumberOrNull(json, "window_scale", sender.Offer.WindowScale);
        json.WriteBoolean("sack_permitted", sender.Offer.SackPermitted);
        json.WriteBoolean("timestamps", sender.Timestamps);
    }

    private static void WriteRoundTrips(Utf8JsonWriter json, in RoundTripSummary times)
    {
        json.WriteStartObject("rtt_ms");
        json.WriteNumber("samples", times.Count);
        json.WriteNumber("min", Milliseconds(times.Minimum));
        json.WriteNumber("median", Milliseconds(times.Median));
        json.WriteNumber("p99", Milliseconds(times.Percentile99));
        json.WriteNumber("max", Milliseconds(times.Maximum));
        json.WriteEndObject();
    }

    private static void WriteSocket(Utf8JsonWriter json, string key, in TcpEndpointReport socket)
    {
        json.WriteStartObject(key);
        json.WriteString("state", socket.State.ToRfcName());
        json.WriteNumber("snd_una", socket.SndUna.Value);
        json.WriteNumber("snd_nxt", socket.SndNxt.Value);
        json.WriteNumber("snd_wnd", socket.SndWnd);
        json.WriteNumber("rcv_nxt", socket.RcvNxt.Value);
        json.WriteNumber("rcv_wnd", socket.RcvWnd);
        json.WriteNumber("write_queue_bytes", socket.QueuedBytes);
        json.WriteNumber("in_flight_bytes", socket.InFlightBytes);
        json.WriteNumber("out_of_order_bytes", socket.OutOfOrderBytes);
        json.WriteString("confidence", socket.Confidence == SnapshotConfidence.Exact ? "exact" : "assumed");
        json.WriteEndObject();
    }

    private static void WriteNumberOrNull(Utf8JsonWriter json, string key, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(key, number);
        }
        else
        {
            json.WriteNull(key);
        }
    }

    private static double Milliseconds(long nanoseconds) => nanoseconds / 1e6;
}
