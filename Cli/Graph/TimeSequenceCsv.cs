using System.Globalization;
using System.Text;
using Interceptor.Tcp.Graph;

namespace Interceptor.Cli.Graph;

/// <summary>The numbers of a time-sequence picture as CSV: client's direction first, then by time within a kind of row.</summary>
internal static class TimeSequenceCsv
{
    private const string Header = "direction,kind,time_s,packet,left,right,count,acknowledged,send_head,window_edge,flags\n";

    internal static string Write(TimeSequenceRecorder recorder)
    {
        var text = new StringBuilder(Header);
        WriteDirection(text, "client_to_server", recorder.FromClient!);
        WriteDirection(text, "server_to_client", recorder.FromServer!);
        return text.ToString();
    }

    private static void WriteDirection(StringBuilder text, string name, TimeSequenceDirection direction)
    {
        foreach (TimeSequenceSegment item in direction.Segments)
        {
            WriteSegment(text, name, "segment", in item);
        }

        foreach (TimeSequenceSegment item in direction.Retransmissions)
        {
            WriteSegment(text, name, "retransmission", in item);
        }

        foreach (TimeSequenceRange item in direction.Sacks)
        {
            string kind = item.IsDuplicate ? "dsack" : "sack";
            text.Append(CultureInfo.InvariantCulture, $"{name},{kind},{Seconds(item.Time)},{item.Number},{item.Left},{item.Right},{item.Count},,,,\n");
        }

        foreach (TimeSequenceMark item in direction.Marks)
        {
            text.Append(CultureInfo.InvariantCulture, $"{name},{GraphWords.Of(item.Kind)},{Seconds(item.Time)},{item.Number},{item.Position},,{item.Count},,,,\n");
        }

        foreach (TimeSequenceEdges item in direction.Edges)
        {
            text.Append(CultureInfo.InvariantCulture, $"{name},edges,{Seconds(item.Time)},,,,,{item.Acknowledged},{item.SendHead},{item.WindowEdge},\n");
        }
    }

    private static void WriteSegment(StringBuilder text, string name, string kind, in TimeSequenceSegment item) =>
        text.Append(CultureInfo.InvariantCulture,
            $"{name},{kind},{Seconds(item.Time)},{item.Number},{item.Left},{item.Right},{item.Count},,,,{GraphWords.Of(item.Kinds & ~TimeSequenceKinds.Retransmission)}\n");

    private static string Seconds(long nanoseconds) => (nanoseconds / 1_000_000_000m).ToString("0.000000000", CultureInfo.InvariantCulture);
}
