using System.Globalization;
using Interceptor.Packets;

namespace Interceptor.Cli.Output;

/// <summary>Prints the times in front of packets as tcpdump does, in UTC. Digits below the precision are cut off, also before a difference is taken.</summary>
/// <param name="style">What is printed.</param>
/// <param name="nanoseconds">True for nine decimals, false for six.</param>
internal sealed class PacketTimes(TimeStyle style, bool nanoseconds)
{
    private const int SecondsOfHour = 3600;

    private readonly long _unit = nanoseconds ? 1 : 1000;
    private readonly int _digits = nanoseconds ? 9 : 6;
    private CaptureTimestamp? _reference;

    /// <summary>Writes the time of a packet without a blank behind; nothing where no time is wanted.</summary>
    internal void Write(TextWriter writer, CaptureTimestamp instant)
    {
        Span<char> text = stackalloc char[48];
        int length = style switch
        {
            TimeStyle.None => 0,
            TimeStyle.Epoch => Epoch(text, instant),
            TimeStyle.SincePrevious or TimeStyle.SinceFirst => Difference(text, instant),
            TimeStyle.DateAndTime => DateAndTime(text, instant),
            _ => TimeOfDay(text, instant),
        };
        writer.Write(text[..length]);
    }

    private int TimeOfDay(Span<char> text, CaptureTimestamp instant)
    {
        (long seconds, int fraction) = UtcTime.Split(instant);
        long day = ((seconds % UtcTime.SecondsOfDay) + UtcTime.SecondsOfDay) % UtcTime.SecondsOfDay;
        return Clock(text, day, fraction);
    }

    private int DateAndTime(Span<char> text, CaptureTimestamp instant)
    {
        (long seconds, _) = UtcTime.Split(instant);
        DateTimeOffset.FromUnixTimeSeconds(seconds).TryFormat(text, out int length, "yyyy-MM-dd ", CultureInfo.InvariantCulture);
        return length + TimeOfDay(text[length..], instant);
    }

    private int Epoch(Span<char> text, CaptureTimestamp instant)
    {
        Int128 size = Int128.Abs(instant.Nanoseconds);
        int length = 0;
        if (instant.Nanoseconds < 0)
        {
            text[length++] = '-';
        }

        length += Number(text[length..], (long)(size / CaptureTimestamp.NanosecondsPerSecond), 1);
        return length + Fraction(text[length..], (int)(size % CaptureTimestamp.NanosecondsPerSecond));
    }

    private int Difference(Span<char> text, CaptureTimestamp instant)
    {
        _reference ??= instant;
        Int128 difference = (Floor(instant) - Floor(_reference.Value)) * _unit;
        if (style == TimeStyle.SincePrevious)
        {
            _reference = instant;
        }

        text[0] = difference < 0 ? '-' : ' ';
        Int128 size = Int128.Abs(difference);
        return 1 + Clock(text[1..], (long)(size / CaptureTimestamp.NanosecondsPerSecond), (int)(size % CaptureTimestamp.NanosecondsPerSecond));
    }

    /// <summary>Whole units since the epoch, as the time of day shows them.</summary>
    private Int128 Floor(CaptureTimestamp instant)
    {
        (long seconds, int fraction) = UtcTime.Split(instant);
        return ((Int128)seconds * (CaptureTimestamp.NanosecondsPerSecond / _unit)) + (fraction / _unit);
    }

    private int Clock(Span<char> text, long seconds, int fraction)
    {
        int length = Number(text, seconds / SecondsOfHour, 2);
        text[length++] = ':';
        length += Number(text[length..], seconds / 60 % 60, 2);
        text[length++] = ':';
        length += Number(text[length..], seconds % 60, 2);
        return length + Fraction(text[length..], fraction);
    }

    private int Fraction(Span<char> text, int fraction)
    {
        text[0] = '.';
        return 1 + Number(text[1..], fraction / _unit, _digits);
    }

    private static int Number(Span<char> text, long value, int digits)
    {
        value.TryFormat(text, out int width, digits switch { 1 => "D1", 2 => "D2", 6 => "D6", _ => "D9" }, CultureInfo.InvariantCulture);
        return width;
    }
}
