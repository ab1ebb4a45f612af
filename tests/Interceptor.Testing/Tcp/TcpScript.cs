using System.Globalization;
using System.Text;
using Xunit;

namespace Interceptor.Testing.Tcp;

/// <summary>
/// A TCP conversation as text, in the notation of packetdrill and tcpdump. Times are virtual and relative to the line before, sequence numbers are
/// relative to each end's initial one, and those lie just below 2^32, so that every script crosses the wrap.
/// <code>
/// +0  > S  0:0(0) win 64240 &lt;mss 1460,sackOK,wscale 7>   a segment of the local end
/// +.1 &lt; S. 0:0(0) ack 1 win 65160 &lt;mss 1460>            a segment of the peer
/// +0  ? State=SYN-SENT SndUna=0 peer.RcvNxt=1            fields of the local end, of the peer, of the connection
/// +0  write 3000                                         what the application does (only where the script drives a queue)
/// </code>
/// Behind the window a segment may have <c>urg N</c> (the urgent pointer), <c>cut N</c> (N payload bytes were captured) and <c>fill C</c> (payload of that character instead of the pattern).
/// </summary>
public abstract class TcpScript
{
    /// <summary>Initial sequence number of the local end: its first byte is the last one before the wrap.</summary>
    public const uint LocalIss = 0xFFFF_FFFE;

    /// <summary>Initial sequence number of the peer: its SYN is the last one before the wrap.</summary>
    public const uint PeerIss = 0xFFFF_FFFF;

    private readonly string[] _text;

    /// <summary>Takes the script.</summary>
    protected TcpScript(string script) => _text = script.ReplaceLineEndings("\n").Split('\n');

    /// <summary>The virtual time, ns.</summary>
    protected long Now { get; private set; } = 1_000_000_000;

    /// <summary>The payload byte that the pattern has at a relative sequence number.</summary>
    public static byte PatternAt(bool isLocal, long relative) => (byte)((relative * 7) + (relative >> 8) + (isLocal ? 0 : 101));

    /// <summary>Runs all lines; the first one that does not hold fails the test.</summary>
    protected void RunLines()
    {
        for (int i = 0; i < _text.Length; i++)
        {
            TcpScriptLine? line = TcpScriptLine.Parse(_text[i], i);
            if (line is null)
            {
                continue;
            }

            Now += line.Delay;
            List<string> sentences = [];
            if (line.Action == TcpScriptAction.Check)
            {
                CheckFields(line, sentences);
            }
            else
            {
                Execute(line, sentences);
            }

            CheckInvariants(sentences);
            if (sentences.Count > 0)
            {
                Assert.Fail(Describe(i, sentences));
            }
        }
    }

    /// <summary>Does what the line says; adds a sentence for each thing that is not as it says.</summary>
    protected abstract void Execute(TcpScriptLine line, List<string> sentences);

    /// <summary>The value of a field in text form; null if there is no such field. Sequence numbers are relative.</summary>
    protected abstract string? ValueOf(string field);

    /// <summary>What holds after each line.</summary>
    protected abstract void CheckInvariants(List<string> sentences);

    /// <summary>A number with its hexadecimal form, as failures show it.</summary>
    protected static string Show(string value) =>
        long.TryParse(value, CultureInfo.InvariantCulture, out long number) && number >= 0 ? string.Create(CultureInfo.InvariantCulture, $"{number} (0x{number:x})") : value;

    /// <summary>One sentence for a field that differs.</summary>
    protected static string Sentence(string field, string expected, string actual) => $"field {field}: expected: {Show(expected)} vs actual: {Show(actual)}";

    private void CheckFields(TcpScriptLine line, List<string> sentences)
    {
        foreach ((string name, string expected) in line.Fields)
        {
            string? actual = ValueOf(name);
            if (actual is null)
            {
                sentences.Add($"field {name}: there is no such field");
            }
            else if (actual != expected)
            {
                sentences.Add(Sentence(name, expected, actual));
            }
        }
    }

    private string Describe(int failed, List<string> sentences)
    {
        var text = new StringBuilder("The script does not hold:\n");
        for (int i = 0; i < _text.Length; i++)
        {
            text.Append(i == failed ? ">>> " : "    ").Append(_text[i]).Append('\n');
            if (i == failed)
            {
                sentences.ForEach(sentence => text.Append("        ").Append(sentence).Append('\n'));
            }
        }

        return text.ToString();
    }
}
