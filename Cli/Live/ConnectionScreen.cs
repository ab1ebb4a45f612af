using System.Globalization;

namespace Interceptor.Cli.Live;

/// <summary>The connections of interfaces as a live table.</summary>
/// <param name="title">What stands first in the first line, safe for a terminal.</param>
/// <param name="feeds">One for each interface.</param>
/// <param name="table">The table.</param>
/// <param name="refreshed">Called after each refresh; null for nobody.</param>
internal sealed class ConnectionScreen(string title, IReadOnlyList<InterfaceFeed> feeds, LiveTable<ConnectionRow> table, Action? refreshed = null) : ILiveScreen
{
    private ConnectionPicture _picture = new([], 0, 0);
    private string _title = "";
    private long? _first;

    public void Refresh(long now)
    {
        if (table.IsPaused)
        {
            return;
        }

        _first ??= now;
        _picture = ConnectionPicture.Take(feeds, now);
        _title = TitleOf(title, _picture, now - _first.Value);
        refreshed?.Invoke();
    }

    public LiveFrame Frame(int width, int height) => new(_title, table.View(_picture.Rows, width, height - 2), table.Help);

    public LiveKeyEffect Press(ConsoleKeyInfo key) => table.Press(key);

    /// <summary>The first line: what matters most comes first, as a narrow terminal has no room for the rest.</summary>
    /// <param name="title">What stands first in it.</param>
    /// <param name="picture">What the rest tells.</param>
    /// <param name="age">How long it has been running, ns.</param>
    internal static string TitleOf(string title, ConnectionPicture picture, long age) => string.Create(CultureInfo.InvariantCulture,
        $"{title}  {LiveWords.Age(age)}  {picture.Rows.Count} connections, {picture.Open} open  {OrZero(LiveWords.Short(picture.Rate))}bit/s  {picture.Dropped} dropped  {picture.Packets} packets");

    private static string OrZero(string text) => text.Length == 0 ? "0 " : char.IsLetter(text[^1]) ? $"{text[..^1]} {text[^1]}" : $"{text} ";
}
