using System.Text;

namespace Interceptor.Tcp.Breakpoints;

/// <summary>
/// A condition on a segment and its connection, as <c>zero-window | fin &amp; seq&gt;=1000 | payload~"GET "</c>. Pure and immutable; <see cref="object.ToString"/> writes what <see cref="Parse"/> reads.
/// <para>Words: <c>syn fin rst psh ack urg zero-window retransmission out-of-order</c>. Numbers: <c>seq ack window len</c> with <c>= != &lt; &lt;= &gt; &gt;=</c>. <c>payload~"text"</c>, where
/// <c>\n \r \t \0 \\ \" \xNN</c> stand for bytes. <c>!</c> binds strongest, then <c>&amp;</c>, then <c>|</c>; parentheses group; <c>not</c>, <c>and</c>, <c>or</c>, <c>&amp;&amp;</c> and <c>||</c> mean the same.</para>
/// </summary>
public abstract record Breakpoint
{
    private protected Breakpoint()
    {
    }

    /// <summary>Reads an expression.</summary>
    /// <exception cref="BreakpointSyntaxException">It is none.</exception>
    public static Breakpoint Parse(string expression)
    {
        ArgumentNullException.ThrowIfNull(expression);
        return new BreakpointParser(expression).Parse();
    }

    /// <summary>The condition holds.</summary>
    public abstract bool Matches(in BreakpointSubject subject);

    /// <inheritdoc/>
    public sealed override string ToString()
    {
        var text = new StringBuilder();
        Write(text, Any.Level);
        return text.ToString();
    }

    /// <summary>Writes the condition, in parentheses where what is around it binds stronger.</summary>
    private protected abstract void Write(StringBuilder text, int level);

    private static void WriteGroup(StringBuilder text, int level, int own, string between, Breakpoint left, Breakpoint right)
    {
        text.Append(level > own ? "(" : "");
        left.Write(text, own);
        text.Append(between);

        // Of a chain the left one holds the rest: what stands right in one was in parentheses.
        right.Write(text, own + 1);
        text.Append(level > own ? ")" : "");
    }

    /// <summary>One of both holds.</summary>
    internal sealed record Any(Breakpoint Left, Breakpoint Right) : Breakpoint
    {
        internal const int Level = 0;

        public override bool Matches(in BreakpointSubject subject) => Left.Matches(in subject) || Right.Matches(in subject);

        private protected override void Write(StringBuilder text, int level) => WriteGroup(text, level, Level, " | ", Left, Right);
    }

    /// <summary>Both hold.</summary>
    internal sealed record All(Breakpoint Left, Breakpoint Right) : Breakpoint
    {
        internal const int Level = 1;

        public override bool Matches(in BreakpointSubject subject) => Left.Matches(in subject) && Right.Matches(in subject);

        private protected override void Write(StringBuilder text, int level) => WriteGroup(text, level, Level, " & ", Left, Right);
    }

    /// <summary>It does not hold.</summary>
    internal sealed record Not(Breakpoint Inner) : Breakpoint
    {
        public override bool Matches(in BreakpointSubject subject) => !Inner.Matches(in subject);

        private protected override void Write(StringBuilder text, int level)
        {
            text.Append('!');
            Inner.Write(text, All.Level + 1);
        }
    }

    /// <summary>Something happens.</summary>
    internal sealed record Happens(BreakpointEvent What) : Breakpoint
    {
        public override bool Matches(in BreakpointSubject subject) => subject.IsTcp && BreakpointWords.Holds(What, in subject);

        private protected override void Write(StringBuilder text, int level) => text.Append(BreakpointWords.NameOf(What));
    }

    /// <summary>A number compares as wanted. Only of TCP, but for the length.</summary>
    internal sealed record Compares(BreakpointNumber Number, BreakpointComparison Comparison, long Value) : Breakpoint
    {
        public override bool Matches(in BreakpointSubject subject) =>
            BreakpointWords.TryGet(Number, in subject, out long number) && BreakpointWords.Holds(number, Comparison, Value);

        private protected override void Write(StringBuilder text, int level) =>
            text.Append(BreakpointWords.NameOf(Number)).Append(BreakpointWords.SignOf(Comparison)).Append(System.Globalization.CultureInfo.InvariantCulture, $"{Value}");
    }

    /// <summary>The payload of this packet has the bytes somewhere.</summary>
    internal sealed record Contains(string Bytes) : Breakpoint
    {
        // A character for each byte: records compare strings by value.
        private readonly byte[] _bytes = Encoding.Latin1.GetBytes(Bytes);

        public override bool Matches(in BreakpointSubject subject) => subject.Payload.IndexOf(_bytes) >= 0;

        public bool Equals(Contains? other) => other is not null && Bytes == other.Bytes;

        public override int GetHashCode() => Bytes.GetHashCode(StringComparison.Ordinal);

        private protected override void Write(StringBuilder text, int level)
        {
            text.Append("payload~\"");
            foreach (char value in Bytes)
            {
                BreakpointWords.AppendByte(text, value);
            }

            text.Append('"');
        }
    }
}
