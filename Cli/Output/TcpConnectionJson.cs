using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Streams;

namespace Interceptor.Cli.Output;

/// <summary>A connection as the contract's JSON has it.</summary>
internal static class TcpConnectionJson
{
    internal static void Write(JsonLine json, in TcpConnectionReport connection)
    {
        json.WriteNumber("id"u8, connection.Id);
        WriteAddress(json, "client"u8, connection.Client);
        WriteAddress(json, "server"u8, connection.Server);
        json.WriteNumber("first_packet_ns"u8, connection.FirstPacketAt.Nanoseconds);
        json.WriteNumber("last_packet_ns"u8, connection.LastPacketAt.Nanoseconds);
        json.WriteString("opened"u8, connection.Opening == TcpOpening.Handshake ? "handshake"u8 : "midstream"u8);
        json.WriteString("closed"u8, connection.Closing switch
        {
            TcpClosing.Fin => "fin"u8,
            TcpClosing.Reset => "reset"u8,
            _ => "open"u8,
        });
        json.WriteBoolean("evicted"u8, connection.IsEvicted);
        WriteDirection(json, "client_to_server"u8, connection.FromClient);
        WriteDirection(json, "server_to_client"u8, connection.FromServer);
        WriteSocket(json, "client_socket"u8, connection.FromClient);
        WriteSocket(json, "server_socket"u8, connection.FromServer);
    }

    private static void WriteAddress(JsonLine json, ReadOnlySpan<byte> key, FlowEndpoint end)
    {
        json.BeginObject(key);
        Span<char> address = stackalloc char[IpAddress.MaximumTextLength];
        end.Address.TryFormat(address, out int length);
        json.WriteString("address"u8, address[..length]);
        json.WriteNumber("port"u8, end.Port);
        json.EndObject();
    }

    private static void WriteDirection(JsonLine json, ReadOnlySpan<byte> key, in TcpEndpointReport sender)
    {
        TcpDirectionCounters counters = sender.Counters;
        json.BeginObject(key);
        json.WriteNumber("packets"u8, counters.Packets);
        json.WriteNumber("payload_bytes"u8, counters.PayloadBytes);
        json.WriteNumber("stream_bytes"u8, sender.StreamBytes);
        json.WriteNumber("missing_bytes"u8, sender.MissingBytes);
        json.WriteNumberOrNull("conflicting_bytes"u8, sender.ConflictingBytes);
        if (sender.Sha256 is { } hash)
        {
            Span<char> text = stackalloc char[StreamHash.TextLength];
            hash.Format(text);
            json.WriteString("stream_sha256"u8, text);
            json.WriteNumber("unhashed_bytes"u8, sender.UnhashedBytes);
        }

        json.WriteNumber("retransmissions"u8, counters.Retransmissions);
        json.WriteNumber("fast_retransmissions"u8, counters.FastRetransmissions);
        json.WriteNumber("spurious_retransmissions"u8, counters.SpuriousRetransmissions);
        json.WriteNumber("out_of_order"u8, counters.OutOfOrder);
        json.WriteNumber("duplicate_acks"u8, counters.DuplicateAcks);
        json.WriteNumber("zero_windows"u8, counters.ZeroWindows);
        json.WriteNumber("window_full"u8, counters.WindowFull);
        json.WriteNumber("keep_alives"u8, counters.KeepAlives);
        json.WriteNumber("lost_segments"u8, counters.LostSegments);
        json.WriteNumber("window_updates"u8, counters.WindowUpdates);
        json.WriteNumber("zero_window_probes"u8, counters.ZeroWindowProbes);
        json.WriteNumber("urgent_marks"u8, sender.UrgentMarks);
        json.WriteNumber("syn"u8, counters.Syn);
        json.WriteNumber("fin"u8, counters.Fin);
        json.WriteNumber("rst"u8, counters.Rst);
        WriteOffer(json, in sender);
        WriteRoundTrips(json, sender.RoundTrips);
        json.EndObject();
    }

    private static void WriteOffer(JsonLine json, in TcpEndpointReport sender)
    {
        json.WriteNumberOrNull("initial_sequence"u8, sender.Iss?.Value);
        json.WriteNumberOrNull("mss"u8, sender.Offer.MaximumSegmentSize);
        json.WriteNumberOrNull("window_scale"u8, sender.Offer.WindowScale);
        json.WriteBoolean("sack_permitted"u8, sender.Offer.SackPermitted);
        json.WriteBoolean("timestamps"u8, sender.Timestamps);
    }

    private static void WriteRoundTrips(JsonLine json, in RoundTripSummary times)
    {
        json.BeginObject("rtt_ms"u8);
        json.WriteNumber("samples"u8, times.Count);
        json.WriteMilliseconds("min"u8, times.Minimum);
        json.WriteMilliseconds("median"u8, times.Median);
        json.WriteMilliseconds("p99"u8, times.Percentile99);
        json.WriteMilliseconds("max"u8, times.Maximum);
        json.EndObject();
    }

    private static void WriteSocket(JsonLine json, ReadOnlySpan<byte> key, in TcpEndpointReport socket)
    {
        json.BeginObject(key);
        json.WriteString("state"u8, socket.State.ToRfcName());
        json.WriteNumber("snd_una"u8, socket.SndUna.Value);
        json.WriteNumber("snd_nxt"u8, socket.SndNxt.Value);
        json.WriteNumber("snd_wnd"u8, socket.SndWnd);
        json.WriteNumber("rcv_nxt"u8, socket.RcvNxt.Value);
        json.WriteNumber("rcv_wnd"u8, socket.RcvWnd);
        json.WriteNumber("write_queue_bytes"u8, socket.QueuedBytes);
        json.WriteNumber("in_flight_bytes"u8, socket.InFlightBytes);
        json.WriteNumber("out_of_order_bytes"u8, socket.OutOfOrderBytes);
        json.WriteString("confidence"u8, socket.Confidence == SnapshotConfidence.Exact ? "exact"u8 : "assumed"u8);
        json.EndObject();
    }
}
