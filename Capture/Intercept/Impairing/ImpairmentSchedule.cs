using System.Text.Json;
using Interceptor.Capture.Files;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// What was decided about the packets of a run, to be decided again: for the n-th packet of a direction of the n-th flow at a hook. Packets that it does not name pass.
/// <para>As text it is NDJSON: a first line <c>{"type":"schedule","version":1,"super_packets":false}</c>, then for each flow where its first packet went
/// (<c>"type":"flow"</c>, for people), and for each packet that something was done to <c>{"type":"decision","flow":0,"direction":0,"hook":"input","packet":1}</c> with
/// <c>drop</c>, <c>delay_ns</c>, <c>duplicate</c>, <c>overtakes</c>, <c>corrupt_bit</c>, as far as they hold.</para>
/// <para>Threads: any, it does not change.</para>
/// </summary>
public sealed class ImpairmentSchedule
{
    internal const int Version = 1;
    private const int LongestLine = 64 * 1024;

    private readonly Dictionary<Place, ImpairmentDecision> _decisions = [];

    private ImpairmentSchedule(bool superPackets) => HasSuperPackets = superPackets;

    /// <summary>Super-packets were decided about as one packet, and have to be again.</summary>
    public bool HasSuperPackets { get; }

    /// <summary>Packets that something is done to.</summary>
    public int Count => _decisions.Count;

    /// <summary>Reads the file that an <see cref="ImpairmentScheduleWriter"/> wrote; - is standard input.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="until">Ends a wait for what does not come.</param>
    /// <exception cref="CaptureFileException">It can't be read, is none, or a line of it is wrong.</exception>
    public static ImpairmentSchedule Read(string path, CancellationToken until = default)
    {
        using var text = new StreamReader(CaptureFile.OpenStream(path, until));
        return Read(text, path);
    }

    /// <summary>Reads what an <see cref="ImpairmentScheduleWriter"/> wrote.</summary>
    /// <param name="text">The lines; left open.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="CaptureFileException">It is none, or a line of it is wrong.</exception>
    public static ImpairmentSchedule Read(TextReader text, string name)
    {
        ArgumentNullException.ThrowIfNull(text);
        ImpairmentSchedule? schedule = null;
        for (int number = 1; text.ReadLine() is { } line; number++)
        {
            try
            {
                using JsonDocument json = JsonDocument.Parse(line.Length <= LongestLine ? line : throw new FormatException("it is too long"));
                schedule = Take(schedule, json.RootElement);
            }
            catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
            {
                throw new CaptureFileException(name, -1, CaptureFileFault.Corrupt, $"line {number} is none of a schedule: {ReasonOf(exception)}", exception);
            }
        }

        return schedule ?? throw new CaptureFileException(name, -1, CaptureFileFault.UnknownFormat, "it is empty, and no schedule");
    }

    /// <summary>What is done to a packet.</summary>
    /// <param name="lane">Where it belongs.</param>
    /// <param name="packet">Its number there, from 1.</param>
    internal ImpairmentDecision Find(PacketLane lane, long packet) => _decisions.GetValueOrDefault(new Place(lane.Flow, lane.Direction, lane.Hook, packet));

    private static string ReasonOf(Exception exception) => exception is FormatException ? exception.Message : "it is not the JSON that is expected";

    private static ImpairmentSchedule Take(ImpairmentSchedule? schedule, JsonElement line)
    {
        string? type = line.GetProperty("type").GetString();
        if (schedule is null)
        {
            return type == "schedule" && line.GetProperty("version").GetInt32() == Version
                ? new ImpairmentSchedule(line.GetProperty("super_packets").GetBoolean())
                : throw new FormatException($"a schedule of version {Version} begins with a line that says so");
        }

        if (type == "decision")
        {
            schedule.Add(line);
        }
        else if (type != "flow")
        {
            throw new FormatException("its type is neither flow nor decision");
        }

        return schedule;
    }

    private void Add(JsonElement line)
    {
        if (!FirewallHooks.TryParse(line.GetProperty("hook").GetString(), out FirewallHook hook))
        {
            throw new FormatException("there is no such hook");
        }

        var place = new Place(Natural(line, "flow"), (int)Natural(line, "direction"), hook, Natural(line, "packet"));
        var decision = new ImpairmentDecision(Flag(line, "drop"), Natural(line, "delay_ns", optional: true))
        {
            Duplicate = Flag(line, "duplicate"),
            Overtakes = Flag(line, "overtakes"),
            Corrupt = line.TryGetProperty("corrupt_bit", out _),
            CorruptBit = (uint)Natural(line, "corrupt_bit", optional: true),
        };
        if (place.Direction > 1 || place.Packet == 0)
        {
            throw new FormatException("a direction is 0 or 1, and packets are numbered from 1");
        }

        if (!_decisions.TryAdd(place, decision))
        {
            throw new FormatException("there is a decision about this packet already");
        }
    }

    private static bool Flag(JsonElement line, string key) => line.TryGetProperty(key, out JsonElement value) && value.GetBoolean();

    private static long Natural(JsonElement line, string key, bool optional = false)
    {
        if (!line.TryGetProperty(key, out JsonElement value))
        {
            return optional ? 0 : throw new FormatException($"it lacks {key}");
        }

        long largest = key == "corrupt_bit" ? uint.MaxValue : long.MaxValue / 4;
        return value.TryGetInt64(out long number) && number >= 0 && number <= largest ? number : throw new FormatException($"{key} is no number from 0 on");
    }

    private readonly record struct Place(long Flow, int Direction, FirewallHook Hook, long Packet);
}
