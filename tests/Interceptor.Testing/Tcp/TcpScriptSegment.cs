using System.Globalization;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Testing.Tcp;

/// <summary>Turns a line of a script into the segment that the model takes.</summary>
public static class TcpScriptSegment
{
    /// <summary>The segment of <paramref name="line"/>, sent by the local end or its peer.</summary>
    public static TcpSegment Create(TcpScriptLine line, bool isLocal)
    {
        uint own = isLocal ? TcpScript.LocalIss : TcpScript.PeerIss;
        uint other = isLocal ? TcpScript.PeerIss : TcpScript.LocalIss;
        var payload = new byte[Math.Min(line.Captured, line.Length)];
        long first = line.Start + (line.Flags.Contains('S') ? 1 : 0);
        for (int i = 0; i < payload.Length; i++)
        {
            payload[i] = line.Fill ?? TcpScript.PatternAt(isLocal, first + i);
        }

        var sacks = default(TcpSegment.SackBlocks);
        return new TcpSegment
        {
            Sequence = Absolute(line.Start, own),
            Acknowledgment = line.Ack is { } ack ? Absolute(ack, other) : default,
            Flags = Flags(line),
            WindowField = checked((ushort)line.Window),
            UrgentPointer = checked((ushort)line.Urgent),
            Length = line.Length,
            Payload = payload,
            Options = Options(line, other, ref sacks),
            Sacks = sacks,
        };
    }

    private static TcpFlags Flags(TcpScriptLine line)
    {
        TcpFlags flags = line.Ack is null ? TcpFlags.None : TcpFlags.Ack;
        foreach (char letter in line.Flags)
        {
            flags |= letter switch
            {
                'S' => TcpFlags.Syn,
                'F' => TcpFlags.Fin,
                'R' => TcpFlags.Rst,
                'P' => TcpFlags.Psh,
                'U' => TcpFlags.Urg,
                'E' => TcpFlags.Ece,
                'W' => TcpFlags.Cwr,
                _ => TcpFlags.None,
            };
        }

        return flags;
    }

    private static TcpOptionSummary Options(TcpScriptLine line, uint otherIss, ref TcpSegment.SackBlocks sacks)
    {
        var options = default(TcpOptionSummary);
        foreach ((string name, string value) in line.Options)
        {
            switch (name)
            {
                case "mss":
                    options = options with { MaximumSegmentSize = ushort.Parse(value, CultureInfo.InvariantCulture) };
                    break;
                case "wscale":
                    options = options with { WindowScale = byte.Parse(value, CultureInfo.InvariantCulture) };
                    break;
                case "sackOK":
                    options = options with { SackPermitted = true };
                    break;
                case "TS":
                    // "val 100 ecr 50"
                    string[] words = value.Split(' ');
                    options = options with
                    {
                        HasTimestamps = true,
                        TimestampValue = uint.Parse(words[1], CultureInfo.InvariantCulture),
                        TimestampEcho = uint.Parse(words[3], CultureInfo.InvariantCulture),
                    };
                    break;
                case "sack":
                    string[] edges = value.Split(':');
                    sacks[options.SackBlockCount] = new SackBlock(
                        Absolute(long.Parse(edges[0], CultureInfo.InvariantCulture), otherIss), Absolute(long.Parse(edges[1], CultureInfo.InvariantCulture), otherIss));
                    options = options with { SackBlockCount = options.SackBlockCount + 1 };
                    break;
                default:
                    break;
            }
        }

        return options;
    }

    private static SequenceNumber Absolute(long relative, uint iss) => new(unchecked(iss + (uint)relative));
}
