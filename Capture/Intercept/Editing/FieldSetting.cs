using System.Globalization;

namespace Interceptor.Capture.Intercept;

/// <summary>One <c>--set</c>: a header field and what it gets.</summary>
/// <param name="Field">Which field.</param>
/// <param name="Value">Its value, as wide as the field.</param>
public sealed record FieldSetting(SettableField Field, ushort Value)
{
    /// <summary>The fields' names, for people.</summary>
    public const string Names = "ttl, tos, ip.id, tcp.window";

    /// <summary>Reads <c>FIELD=VALUE</c>, the value decimal or as <c>0x1f</c>.</summary>
    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static FieldSetting Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int middle = text.IndexOf('=', StringComparison.Ordinal);
        (SettableField field, int most) = (middle < 0 ? "" : text[..middle]) switch
        {
            "ttl" => (SettableField.TimeToLive, byte.MaxValue),
            "tos" => (SettableField.TypeOfService, byte.MaxValue),
            "ip.id" => (SettableField.Identification, ushort.MaxValue),
            "tcp.window" => (SettableField.Window, (int)ushort.MaxValue),
            _ => throw new FormatException($"the field is one of {Names}."),
        };
        ReadOnlySpan<char> number = text.AsSpan(middle + 1);
        bool isHex = number.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return ushort.TryParse(isHex ? number[2..] : number, isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out ushort value)
            && value <= most
            ? new FieldSetting(field, value)
            : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"the value is a number from 0 to {most}."));
    }
}
