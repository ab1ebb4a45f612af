using System.Globalization;
using System.Text.Json;
using Interceptor.Tcp;

namespace Interceptor.Cli.Output;

/// <summary>How long a peer waits, for people and for programs.</summary>
internal static class PatienceText
{
    /// <summary>A line without its end.</summary>
    internal static string Line(PeerPatience patience) => string.Create(
        CultureInfo.InvariantCulture,
        $"what the peer has under way it sends again after {patience.RetransmitsAfter.TotalMilliseconds:0} ms, and gives up after {patience.GivesUpAfter.TotalSeconds:0.#} s at the earliest ({Counted.Of(patience.Retransmissions, "repetition")}; estimated from this end)");

    /// <summary><c>peer_retransmits_in_ms</c> and <c>peer_gives_up_in_ms</c>; null where the peer has ended its stream, and sends nothing again.</summary>
    internal static void WriteFields(Utf8JsonWriter json, PeerPatience? patience)
    {
        if (patience is null)
        {
            json.WriteNull("peer_retransmits_in_ms");
            json.WriteNull("peer_gives_up_in_ms");
            return;
        }

        json.WriteNumber("peer_retransmits_in_ms", patience.RetransmitsAfter.TotalMilliseconds);
        json.WriteNumber("peer_gives_up_in_ms", patience.GivesUpAfter.TotalMilliseconds);
    }
}
