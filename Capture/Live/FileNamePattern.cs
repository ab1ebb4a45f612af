using System.Globalization;
using System.Text;
using Interceptor.Capture.Files;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// The names of a recording's files: the conversions of strftime(3) in the C locale, and <c>%f</c>, the microseconds in six digits; <c>%%</c> is a percent sign. Pure.
/// </summary>
public sealed class FileNamePattern
{
    /// <summary>What stands after the percent sign.</summary>
    public const string Conversions = "YCymdejHIMSfspaAbBhFRTzuwUWVGg%";

    private readonly string _path;
    private readonly bool _expands;

    private FileNamePattern(string path, bool expands)
    {
        _path = path;
        _expands = expands;
    }

    /// <summary>True where the time is part of the name.</summary>
    public bool HasConversions => _expands && _path.Replace("%%", "", StringComparison.Ordinal).Contains('%');

    /// <summary>True where the time is part of the directory's name.</summary>
    internal bool HasDirectoryConversions => _expands && Path.GetDirectoryName(_path) is { } directory && directory.Contains('%');

    /// <summary>A name without conversions: a percent sign is one.</summary>
    public static FileNamePattern Literal(string path) => new(path, expands: false);

    /// <summary>A name with conversions.</summary>
    /// <exception cref="FormatException">It has a conversion that does not exist here; the message is a clause that says which.</exception>
    public static FileNamePattern Parse(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        for (int index = path.IndexOf('%'); index >= 0; index = path.IndexOf('%', index + 2))
        {
            if (index + 1 == path.Length || !Conversions.Contains(path[index + 1]))
            {
                string conversion = path.Substring(index, Math.Min(2, path.Length - index));
                throw new FormatException($"'{conversion}' is no conversion of strftime that a name can have; write %% for a percent sign");
            }
        }

        return new(path, expands: true);
    }

    /// <summary>The name of a file that begins at an instant, as clocks of a zone show it.</summary>
    internal string Expand(CaptureTimestamp at, TimeZoneInfo zone)
    {
        if (!_expands)
        {
            return _path;
        }

        (long seconds, long nanoseconds) = Math.DivRem(at.Nanoseconds, CaptureTimestamp.NanosecondsPerSecond);
        DateTimeOffset local = TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeSeconds(seconds), zone);
        var name = new StringBuilder(_path.Length + 32);
        for (int index = 0; index < _path.Length; index++)
        {
            if (_path[index] == '%')
            {
                Append(name, _path[++index], local, nanoseconds);
            }
            else
            {
                name.Append(_path[index]);
            }
        }

        return name.ToString();
    }

    /// <summary>A name with a number before its extensions: <c>lo-00002.pcapng.gz</c>.</summary>
    internal static string Numbered(string path, int number)
    {
        string extension = CompressionFormat.ExtensionsOf(path);
        return $"{path[..^extension.Length]}-{number:D5}{extension}";
    }

    /// <summary>
    /// The number that <see cref="Numbered"/> gave a name, also where something is behind the name now, as after <c>gzip</c>; 0 for any other.
    /// </summary>
    internal static int NumberOf(string fileName, string path)
    {
        string extension = CompressionFormat.ExtensionsOf(path);
        string start = Path.GetFileName(path)[..^extension.Length] + "-";
        if (!fileName.StartsWith(start, StringComparison.Ordinal))
        {
            return 0;
        }

        ReadOnlySpan<char> rest = fileName.AsSpan(start.Length);
        int digits = rest.IndexOfAnyExceptInRange('0', '9') is >= 0 and var end ? end : rest.Length;
        return digits >= 5 && (rest[digits..].SequenceEqual(extension) || rest[digits..].StartsWith(extension + ".", StringComparison.Ordinal))
            && int.TryParse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : 0;
    }

    private static void Append(StringBuilder name, char conversion, DateTimeOffset local, long nanoseconds)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        int weekday = (int)local.DayOfWeek;
        _ = conversion switch
        {
            'Y' => name.Append(culture, $"{local.Year}"),
            'C' => name.Append(culture, $"{local.Year / 100:D2}"),
            'y' => name.Append(culture, $"{local.Year % 100:D2}"),
            'm' => name.Append(culture, $"{local.Month:D2}"),
            'd' => name.Append(culture, $"{local.Day:D2}"),
            'e' => name.Append(culture, $"{local.Day,2}"),
            'j' => name.Append(culture, $"{local.DayOfYear:D3}"),
            'H' => name.Append(culture, $"{local.Hour:D2}"),
            'I' => name.Append(culture, $"{((local.Hour + 11) % 12) + 1:D2}"),
            'M' => name.Append(culture, $"{local.Minute:D2}"),
            'S' => name.Append(culture, $"{local.Second:D2}"),
            'f' => name.Append(culture, $"{nanoseconds / 1000:D6}"),
            's' => name.Append(culture, $"{local.ToUnixTimeSeconds()}"),
            'p' => name.Append(local.Hour < 12 ? "AM" : "PM"),
            'a' => name.Append(culture, $"{local:ddd}"),
            'A' => name.Append(culture, $"{local:dddd}"),
            'b' or 'h' => name.Append(culture, $"{local:MMM}"),
            'B' => name.Append(culture, $"{local:MMMM}"),
            'F' => name.Append(culture, $"{local:yyyy-MM-dd}"),
            'R' => name.Append(culture, $"{local:HH':'mm}"),
            'T' => name.Append(culture, $"{local:HH':'mm':'ss}"),
            'z' => name.Append(culture, $"{(local.Offset < TimeSpan.Zero ? '-' : '+')}{local.Offset:hhmm}"),
            'u' => name.Append(culture, $"{(weekday == 0 ? 7 : weekday)}"),
            'w' => name.Append(culture, $"{weekday}"),
            'U' => name.Append(culture, $"{(local.DayOfYear + 6 - weekday) / 7:D2}"),
            'W' => name.Append(culture, $"{(local.DayOfYear + 6 - ((weekday + 6) % 7)) / 7:D2}"),
            'V' => name.Append(culture, $"{ISOWeek.GetWeekOfYear(local.DateTime):D2}"),
            'G' => name.Append(culture, $"{ISOWeek.GetYear(local.DateTime)}"),
            'g' => name.Append(culture, $"{ISOWeek.GetYear(local.DateTime) % 100:D2}"),
            _ => name.Append('%'),
        };
    }
}
