using System.Globalization;
using System.Text;
using Interceptor.Packets;

namespace Interceptor.Tcp.Breakpoints;

/// <summary>The words of breakpoints and what they mean.</summary>
internal static class BreakpointWords
{
    private static readonly string[] Events = ["syn", "fin", "rst", "psh", "ack", "urg", "zero-window", "retransmission", "out-of-order"];
    private static readonly string[] Numbers = ["seq", "ack", "window", "len"];
    private static readonly string[] Signs = ["=", "!=", "<", "<=", ">", ">="];

    internal static string NameOf(BreakpointEvent what) => Events[(int)what];

    internal static string NameOf(BreakpointNumber number) => Numbers[(int)number];

    internal static string SignOf(BreakpointComparison comparison) => Signs[(int)comparison];

    internal static bool TryParse(string word, out BreakpointEvent what)
    {
        what = (BreakpointEvent)Array.IndexOf(Events, word);
        return what >= 0;
    }

    internal static bool TryParse(string word, out BreakpointNumber number)
    {
        number = (BreakpointNumber)Array.IndexOf(Numbers, word);
        return number >= 0;
    }

    internal static bool TryParse(string sign, out BreakpointComparison comparison)
    {
        comparison = (BreakpointComparison)Array.IndexOf(Signs, sign);
        return comparison >= 0;
    }

    internal static bool Holds(BreakpointEvent what, in BreakpointSubject subject) => what switch
    {
        BreakpointEvent.Syn => Has(in subject, TcpFlags.Syn),
        BreakpointEvent.Fin => Has(in subject, TcpFlags.Fin),
        BreakpointEvent.Rst => Has(in subject, TcpFlags.Rst),
        BreakpointEvent.Psh => Has(in subject, TcpFlags.Psh),
        BreakpointEvent.Ack => Has(in subject, TcpFlags.Ack),
        BreakpointEvent.Urg => Has(in subject, TcpFlags.Urg),
        BreakpointEvent.ZeroWindow => subject.WindowField == 0 && !Has(in subject, TcpFlags.Syn | TcpFlags.Rst),
        BreakpointEvent.Retransmission => subject.IsRetransmission,
        _ => subject.IsOutOfOrder,
    };

    /// <summary>False where the packet has no such number.</summary>
    internal static bool TryGet(BreakpointNumber number, in BreakpointSubject subject, out long value)
    {
        value = number switch
        {
            BreakpointNumber.Seq => subject.Sequence,
            BreakpointNumber.Ack => subject.Acknowledgment,
            BreakpointNumber.Window => subject.Window,
            _ => subject.Length,
        };
        return number == BreakpointNumber.Len || (subject.IsTcp && (number != BreakpointNumber.Ack || Has(in subject, TcpFlags.Ack)));
    }

    internal static bool Holds(long left, BreakpointComparison comparison, long right) => comparison switch
    {
        BreakpointComparison.Equal => left == right,
        BreakpointComparison.NotEqual => left != right,
        BreakpointComparison.Less => left < right,
        BreakpointComparison.LessOrEqual => left <= right,
        BreakpointComparison.Greater => left > right,
        _ => left >= right,
    };

    internal static void AppendByte(StringBuilder text, char value)
    {
        if (value is '"' or '\\')
        {
            text.Append('\\').Append(value);
        }
        else if (value is >= ' ' and < '\x7f')
        {
            text.Append(value);
        }
        else
        {
            text.Append(CultureInfo.InvariantCulture, $"\\x{(int)value:x2}");
        }
    }

    private static bool Has(in BreakpointSubject subject, TcpFlags flags) => (subject.Flags & flags) != 0;
}
