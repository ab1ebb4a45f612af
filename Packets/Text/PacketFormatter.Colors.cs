namespace Interceptor.Packets;

public sealed partial class PacketFormatter
{
    private const string Red = "\x1b[31m";
    private const string Green = "\x1b[32m";
    private const string Yellow = "\x1b[33m";
    private const string Magenta = "\x1b[35m";
    private const string Cyan = "\x1b[36m";
    private const string Plain = "\x1b[39m";

    private TextLine Paint(string color)
    {
        if (_options.Colored)
        {
            _text.Add(color);
        }

        return _text;
    }

    /// <summary>The colour of a segment that begins, ends or breaks off a connection; null for all others.</summary>
    private static string? ColorOf(TcpFlags flags) => flags switch
    {
        _ when (flags & TcpFlags.Rst) != 0 => Red,
        _ when (flags & TcpFlags.Syn) != 0 => Green,
        _ when (flags & TcpFlags.Fin) != 0 => Yellow,
        _ => null,
    };
}
