using System.Globalization;
using Interceptor.Capture.Live;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;

namespace Interceptor.Cli.Live;

/// <summary>The connections of an interface as a live table. Takes their numbers under the reading's lock; the capture's own thread never waits for it.</summary>
/// <param name="name">The interface.</param>
/// <param name="reading">Who feeds the tracker.</param>
/// <param name="capture">Where the packets come from.</param>
/// <param name="only">The id of the only connection to show; null for all.</param>
internal sealed class TcpLiveScreen(string name, TcpReading reading, LiveCapture capture, int? only) : ILiveScreen
{
    private readonly LiveTable<ConnectionRow> _table = new(ConnectionColumns.All, ConnectionColumns.Default, row => row.IsOver);
    private readonly ConnectionRates _rates = new();
    private List<ConnectionRow> _rows = [];
    private string _title = "";
    private long? _first;

    public void Refresh(long now)
    {
        if (_table.IsPaused)
        {
            return;
        }

        _first ??= now;
        long packets;
        lock (reading.Gate)
        {
            _rows = _rates.Update(reading.Tracker.Connections, now);
            packets = reading.Packets;
        }

        _rows.RemoveAll(row => only is { } id && row.Id != id);
        LiveCaptureStatistics statistics = capture.Statistics;
        long dropped = statistics.DroppedByKernel + statistics.DroppedByUser;
        int open = _rows.Count(row => !row.IsOver);
        double rate = _rows.Sum(row => row.ClientRate + row.ServerRate);
        _title = string.Create(CultureInfo.InvariantCulture,
            $"tcp -i {Printable.Escape(name)}  {LiveWords.Age(now - _first.Value)}  {_rows.Count} connections, {open} open  {OrZero(LiveWords.Short(rate))}bit/s  {packets} packets, {dropped} dropped");
    }

    public LiveFrame Frame(int width, int height) => new(_title, _table.View(_rows, width, height - 2), _table.Help);

    public LiveKeyEffect Press(ConsoleKeyInfo key) => _table.Press(key);

    private static string OrZero(string text) => text.Length == 0 ? "0 " : char.IsLetter(text[^1]) ? $"{text[..^1]} {text[^1]}" : $"{text} ";
}
