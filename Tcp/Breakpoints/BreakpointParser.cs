using System.Globalization;
using System.Text;

namespace Interceptor.Tcp.Breakpoints;

/// <summary>Reads breakpoint expressions: a descent through or, and, not, condition.</summary>
/// <param name="text">The expression.</param>
internal sealed class BreakpointParser(string text)
{
    private const int MaximumDepth = 200;
    private const string Expected = "a condition is expected: syn, fin, rst, psh, ack, urg, zero-window, retransmission, out-of-order, seq, ack, window or len with a number, or payload~\"text\"";

    private int _at;
    private int _depth;

    internal Breakpoint Parse()
    {
        Breakpoint result = ParseAny();
        return _at == text.Length ? result : throw Wrong(_at, text[_at] == ')' ? "there is no parenthesis to close" : "'|' or '&' is expected between two conditions");
    }

    private Breakpoint ParseAny()
    {
        Breakpoint left = ParseAll();
        while (TryTake("||") || TryTake("|") || TryTakeWord("or"))
        {
            left = new Breakpoint.Any(left, ParseAll());
        }

        return left;
    }

    private Breakpoint ParseAll()
    {
        Breakpoint left = ParseNot();
        while (TryTake("&&") || TryTake("&") || TryTakeWord("and"))
        {
            left = new Breakpoint.All(left, ParseNot());
        }

        return left;
    }

    private Breakpoint ParseNot()
    {
        SkipBlanks();
        if (++_depth > MaximumDepth)
        {
            throw Wrong(_at, $"more than {MaximumDepth} conditions stand in each other");
        }

        Breakpoint result = TryTake("!") || TryTakeWord("not") ? new Breakpoint.Not(ParseNot()) : ParseCondition();
        _depth--;
        SkipBlanks();
        return result;
    }

    private Breakpoint ParseCondition()
    {
        int start = _at;
        if (TryTake("("))
        {
            Breakpoint inner = ParseAny();
            return TryTake(")") ? inner : throw Wrong(start, "this parenthesis is not closed");
        }

        string word = PeekWord();
        if (word.Length == 0)
        {
            throw Wrong(start, Expected);
        }

        _at += word.Length;
        SkipBlanks();
        if (word == "payload")
        {
            return TryTake("~") ? new Breakpoint.Contains(ParseText()) : throw Wrong(_at, "payload is followed by ~ and a text, as payload~\"GET \"");
        }

        if (TryTakeSign(out BreakpointComparison comparison))
        {
            return BreakpointWords.TryParse(word, out BreakpointNumber number)
                ? new Breakpoint.Compares(number, comparison, ParseNumber())
                : throw Wrong(start, $"'{word}' is no number: seq, ack, window or len");
        }

        return BreakpointWords.TryParse(word, out BreakpointEvent what) ? new Breakpoint.Happens(what)
            : BreakpointWords.TryParse(word, out BreakpointNumber _) ? throw Wrong(_at, $"'{word}' is compared with a number, as {word}>=1000")
            : throw Wrong(start, $"'{word}' is unknown; {Expected}");
    }

    private bool TryTakeSign(out BreakpointComparison comparison)
    {
        for (int length = 2; length > 0; length--)
        {
            if (_at + length <= text.Length && BreakpointWords.TryParse(text.Substring(_at, length), out comparison))
            {
                _at += length;
                return true;
            }
        }

        comparison = default;
        return false;
    }

    private long ParseNumber()
    {
        SkipBlanks();
        int start = _at;
        while (_at < text.Length && char.IsAsciiDigit(text[_at]))
        {
            _at++;
        }

        return long.TryParse(text.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw Wrong(start, "a whole number is expected");
    }

    // A character for each byte.
    private string ParseText()
    {
        SkipBlanks();
        int start = _at;
        if (!TryTake("\""))
        {
            throw Wrong(start, "a text in double quotes is expected, as payload~\"GET \"");
        }

        var bytes = new StringBuilder();
        while (_at < text.Length && text[_at] != '"')
        {
            if (text[_at] == '\\')
            {
                bytes.Append((char)ParseEscape());
                continue;
            }

            int end = text.AsSpan(_at).IndexOfAny('"', '\\');
            end = end < 0 ? text.Length : _at + end;
            bytes.Append(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text[_at..end])));
            _at = end;
        }

        return !TryTake("\"") ? throw Wrong(start, "this quote is not closed")
            : bytes.Length == 0 ? throw Wrong(start, "an empty text is in every payload")
            : bytes.ToString();
    }

    private int ParseEscape()
    {
        int start = _at++;
        int known = _at < text.Length ? "nrt0\\\"".IndexOf(text[_at], StringComparison.Ordinal) : -1;
        if (known >= 0)
        {
            _at++;
            return "\n\r\t\0\\\""[known];
        }

        if (_at + 2 < text.Length && text[_at] == 'x' && byte.TryParse(text.AsSpan(_at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
        {
            _at += 3;
            return value;
        }

        throw Wrong(start, "a backslash is followed by n, r, t, 0, \\, \" or x and two hexadecimal digits");
    }

    private bool TryTake(string sign)
    {
        SkipBlanks();
        bool isThere = string.CompareOrdinal(text, _at, sign, 0, sign.Length) == 0;
        _at += isThere ? sign.Length : 0;
        return isThere;
    }

    private bool TryTakeWord(string word)
    {
        SkipBlanks();
        bool isThere = PeekWord() == word;
        _at += isThere ? word.Length : 0;
        return isThere;
    }

    private string PeekWord()
    {
        int end = _at;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '-'))
        {
            end++;
        }

        return text[_at..end].ToLowerInvariant();
    }

    private void SkipBlanks()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at]))
        {
            _at++;
        }
    }

    private BreakpointSyntaxException Wrong(int position, string reason) => new(text, position, reason);
}
