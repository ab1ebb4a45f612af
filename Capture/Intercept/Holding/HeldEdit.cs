namespace Interceptor.Capture.Intercept;

/// <summary>One change to a held packet.</summary>
public sealed record HeldEdit
{
    private HeldEdit()
    {
    }

    /// <summary>The field; <see cref="BytesField"/> for bytes at an offset.</summary>
    public string Field { get; private init; } = BytesField;

    /// <summary>Its new value, as text; empty for bytes.</summary>
    public string Value { get; private init; } = "";

    /// <summary>Where bytes go, from the IP header on.</summary>
    public int Offset { get; private init; }

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private init; }

    /// <summary>The name that stands for bytes at an offset.</summary>
    public const string BytesField = "bytes";

    /// <summary>Bytes at an offset take the place of as many that are there.</summary>
    public static HeldEdit AtOffset(int offset, ReadOnlyMemory<byte> bytes) => new() { Offset = offset, Bytes = bytes };

    /// <summary>
    /// A field gets a value: <c>ttl</c> (of IPv6 the hop limit), <c>tos</c>, <c>ip.id</c>, <c>tcp.flags</c> (names joined by +, or the letters of tcpdump, or a number), <c>tcp.seq</c>,
    /// <c>tcp.ack</c>, <c>tcp.window</c>, <c>tcp.urgent</c>, <c>sport</c>, <c>dport</c>, and <c>payload</c> (text; <c>\n \r \t \0 \\ \xNN</c> stand for bytes).
    /// </summary>
    public static HeldEdit OfField(string field, string value) => new() { Field = field, Value = value };

    /// <summary>The payload becomes these bytes.</summary>
    public static HeldEdit OfPayload(ReadOnlyMemory<byte> bytes) => new() { Field = HeldPacketEditor.PayloadBytes, Bytes = bytes };

    /// <summary>Reads an edit as a person types it: <c>ttl=64</c>, <c>payload=GET /other</c>, or <c>40:474554</c> for bytes in hexadecimal at an offset.</summary>
    /// <param name="text">The text.</param>
    /// <param name="edit">The edit.</param>
    /// <param name="reason">Why it is none, as a sentence.</param>
    public static bool TryParse(string text, out HeldEdit edit, out string reason)
    {
        ArgumentNullException.ThrowIfNull(text);
        edit = new HeldEdit();
        reason = "";
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (equals > 0 && (colon < 0 || equals < colon))
        {
            edit = OfField(text[..equals].Trim(), text[(equals + 1)..]);
            return true;
        }

        if (colon > 0 && TryReadOffset(text[..colon].Trim(), out int offset))
        {
            try
            {
                edit = AtOffset(offset, Convert.FromHexString(text[(colon + 1)..].Replace(" ", "", StringComparison.Ordinal)));
                return true;
            }
            catch (FormatException)
            {
                reason = $"'{text[(colon + 1)..]}' are no bytes in hexadecimal, as 474554.";
                return false;
            }
        }

        reason = $"'{text}' is no edit: field=value, or offset:hex.";
        return false;
    }

    private static bool TryReadOffset(string text, out int offset)
    {
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return int.TryParse(
            isHex ? text.AsSpan(2) : text, isHex ? System.Globalization.NumberStyles.AllowHexSpecifier : System.Globalization.NumberStyles.None,
            System.Globalization.CultureInfo.InvariantCulture, out offset);
    }
}
