using System.Globalization;
using Interceptor.Capture.Intercept;
using Interceptor.Cli.Live;
using Interceptor.Cli.Output;
using Interceptor.Packets;

namespace Interceptor.Cli.Holding;

/// <summary>
/// The page of <c>intercept --hold</c>: the held packets, one of them in full, and the keys that work on them.
/// <para>Threads: those of the page, one at a time; the queue is for any.</para>
/// </summary>
/// <param name="queue">What is worked on.</param>
/// <param name="resentIn">When a packet will be sent again, ns.</param>
internal sealed class HoldScreen(HoldQueue queue, Func<HeldItem, long?> resentIn) : ILiveScreen
{
    private readonly LiveTable<HoldRow> _table = new(HoldRow.Columns, 0);
    private readonly PacketFormatter _formatter = new();
    private readonly Dictionary<long, (ReadOnlyMemory<byte> Data, string Text)> _summaries = [];
    private HoldRow[] _rows = [];
    private HoldRow[] _shown = [];
    private HoldCounters _counters;
    private LineEditor? _line;
    private bool _isPayload;
    private bool _showsHelp;
    private string _message = "";
    private long _selected;
    private int _selectedIndex;
    private int _pageLength = 1;
    private int _scrolled;
    private bool _isHolding = true;

    /// <summary>The selected packet; 0 for none.</summary>
    internal long Selected => _selected;

    /// <summary>Packets that the kernel dropped; any thread.</summary>
    internal long KernelDropped { get; set; }

    /// <summary>A sentence that is shown until the next key; any thread.</summary>
    internal string? Notice { get; set; }

    public void Refresh(long now)
    {
        if (Notice is { } notice)
        {
            _message = notice;
            Notice = null;
        }

        IReadOnlyList<HeldItem> items = queue.Snapshot();
        _counters = queue.Counters;
        _isHolding = queue.IsHolding;
        _rows = [.. items.Select(item => new HoldRow(item, SummaryOf(item), Math.Max(0, now - item.Since), resentIn(item)))];
        if (_summaries.Count > (2 * items.Count) + 64)
        {
            HashSet<long> held = [.. items.Select(item => item.Id)];
            foreach (long gone in _summaries.Keys.Where(id => !held.Contains(id)).ToArray())
            {
                _summaries.Remove(gone);
            }
        }

        Select();
    }

    public LiveFrame Frame(int width, int height)
    {
        int tableHeight = Math.Clamp(_shown.Length + 1, 2, Math.Max(2, (height - 2) / 2));
        _pageLength = Math.Max(1, tableHeight - 1);
        _table.Reveal(_selectedIndex, tableHeight);
        LiveView view = _table.View(_rows, width, tableHeight);
        LiveViewRow[] rows = [.. view.Rows.Select((row, index) => row with { IsSelected = view.First + index == _selectedIndex })];
        return new LiveFrame(Title(), view with { Rows = rows }, Footer(width)) { Below = Below() };
    }

    public LiveKeyEffect Press(ConsoleKeyInfo key)
    {
        LiveKeyEffect effect = _line is not null ? Type(key) : _table.IsTyping || key.KeyChar == '/' ? _table.Press(key) : Command(key);
        if (effect == LiveKeyEffect.Redraw)
        {
            Select();
        }

        return effect;
    }

    private LiveKeyEffect Command(ConsoleKeyInfo key)
    {
        _message = "";
        switch (key.KeyChar)
        {
            case 'q':
                return LiveKeyEffect.Quit;
            case '?':
                _showsHelp = !_showsHelp;
                return LiveKeyEffect.Redraw;
            case 'p':
                (_isHolding ? (Action)queue.Pause : queue.Continue)();
                return Changed();
            case 'R':
                _message = Told(queue.ReleaseAll(), "released");
                return Changed();
            case 'r':
                return Act(id => queue.Release(id) ? Told(1, "released") : null);
            case 'd':
                return Act(id => queue.Drop(id) ? Told(1, "dropped") : null);
            case 'u':
                return Act(id => queue.ReleaseUntil(id) is > 0 and var count ? Told(count, "released") : null);
            case 'D':
                return Act(id => queue.TryFind(id, out HeldItem? item) && queue.SetDoubled(id, !item.IsDoubled) ? "" : null);
            case 'e':
                return Edit(payload: false);
            case 't':
                return Edit(payload: true);
            default:
                return Move(key);
        }
    }

    private LiveKeyEffect Move(ConsoleKeyInfo key)
    {
        int? to = (key.Key, key.KeyChar) switch
        {
            (ConsoleKey.UpArrow, _) or (_, 'k') => _selectedIndex - 1,
            (ConsoleKey.DownArrow, _) or (_, 'j') => _selectedIndex + 1,
            (ConsoleKey.PageUp, _) => _selectedIndex - _pageLength,
            (ConsoleKey.PageDown, _) => _selectedIndex + _pageLength,
            (ConsoleKey.Home, _) or (_, 'g') => 0,
            (ConsoleKey.End, _) or (_, 'G') => _shown.Length - 1,
            _ => null,
        };
        if (to is { } index)
        {
            _selectedIndex = Math.Clamp(index, 0, Math.Max(0, _shown.Length - 1));
            _selected = _shown.Length == 0 ? 0 : _shown[_selectedIndex].Item.Id;
            _scrolled = 0;
            return LiveKeyEffect.Redraw;
        }

        int step = key.Key == ConsoleKey.RightArrow ? 4 : key.Key == ConsoleKey.LeftArrow ? -4 : 0;
        _scrolled = Math.Max(0, _scrolled + step);
        return step != 0 ? LiveKeyEffect.Redraw : key.Key == ConsoleKey.Escape ? _table.Press(key) : LiveKeyEffect.None;
    }

    private LiveKeyEffect Act(Func<long, string?> act)
    {
        if (_selected != 0)
        {
            _message = act(_selected) ?? string.Create(CultureInfo.InvariantCulture, $"packet {_selected} is held no longer");
        }

        return Changed();
    }

    private LiveKeyEffect Edit(bool payload)
    {
        if (_selected != 0 && queue.TryFind(_selected, out HeldItem? item))
        {
            _isPayload = payload;
            _line = new LineEditor(payload ? HoldPane.PayloadText(item) : "");
        }

        return LiveKeyEffect.Redraw;
    }

    private LiveKeyEffect Type(ConsoleKeyInfo key)
    {
        _message = "";
        if (key.Key == ConsoleKey.Escape)
        {
            _line = null;
            return LiveKeyEffect.Redraw;
        }

        if (key.Key != ConsoleKey.Enter)
        {
            return _line!.Press(key) ? LiveKeyEffect.Redraw : LiveKeyEffect.None;
        }

        // The line stays where it can't be done, so that it can be put right.
        string? reason = "";
        HeldEdit edit = HeldEdit.OfField("payload", _line!.Text);
        if ((_isPayload || HeldEdit.TryParse(_line.Text, out edit, out reason)) && queue.TryEdit(_selected, [edit], out reason))
        {
            _line = null;
            _message = string.Create(CultureInfo.InvariantCulture, $"packet {_selected} edited");
        }
        else
        {
            _message = reason ?? "";
        }

        return Changed();
    }

    private LiveKeyEffect Changed()
    {
        Refresh(Interop.Clock.MonotonicNanoseconds());
        return LiveKeyEffect.Redraw;
    }

    // The selected packet stays so while it is there; after it, what took its place.
    private void Select()
    {
        _shown = [.. _table.Order(_rows)];
        int index = Array.FindIndex(_shown, row => row.Item.Id == _selected);
        _selectedIndex = index >= 0 ? index : Math.Clamp(_selectedIndex, 0, Math.Max(0, _shown.Length - 1));
        long selected = _shown.Length == 0 ? 0 : _shown[_selectedIndex].Item.Id;
        if (selected != _selected && _line is not null)
        {
            _line = null;
            _message = string.Create(CultureInfo.InvariantCulture, $"packet {_selected} is held no longer");
        }

        _scrolled = selected == _selected ? _scrolled : 0;
        _selected = selected;
    }

    private string Title()
    {
        string kernel = KernelDropped > 0 ? string.Create(CultureInfo.InvariantCulture, $"  {KernelDropped} dropped by the kernel") : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"{(_isHolding ? "HOLDING" : "PASSING")}  {_counters.Waiting} held, {_counters.WaitingBytes} bytes  {_counters.Released} released  {_counters.Dropped} dropped  {_counters.Copies} copies{kernel}");
    }

    private string Footer(int width)
    {
        string message = _message.Length == 0 ? "" : $"{Printable.Escape(_message)}  ";
        if (_line is not null)
        {
            string asked = _isPayload ? "payload: " : "edit (field=value or offset:hex): ";
            return _message.Length > 0 ? message + asked + _line.View(20) : asked + Printable.Escape(_line.View(Math.Max(10, width - asked.Length)));
        }

        string filter = _table.Filter.Length > 0 ? $" [{_table.Filter}]" : "";
        return _table.IsTyping ? _table.Help
            : $"{message}r release  R all  u up to  d drop  e edit  t text  D twice  p {(_isHolding ? "pause" : "hold")}  / filter{filter}  ? help  q quit and release";
    }

    private IReadOnlyList<string> Below()
    {
        if (_showsHelp)
        {
            return HoldPane.Help;
        }

        if (_shown.Length == 0)
        {
            return [_rows.Length == 0 ? "nothing is held" : "no held packet matches the filter"];
        }

        HoldRow row = _shown[_selectedIndex];
        IReadOnlyList<string> lines = HoldPane.Of(row.Item, row.ResentIn);
        _scrolled = Math.Clamp(_scrolled, 0, Math.Max(0, lines.Count - 2));
        return [lines[0], .. lines.Skip(1 + _scrolled)];
    }

    private string SummaryOf(HeldItem item)
    {
        if (!_summaries.TryGetValue(item.Id, out (ReadOnlyMemory<byte> Data, string Text) known) || !known.Data.Equals(item.Data))
        {
            PacketView view = item.Parse();
            known = (item.Data, Printable.Escape(_formatter.Summarize(in view).ToString()));
            _summaries[item.Id] = known;
        }

        return known.Text;
    }

    private static string Told(int count, string done) => string.Create(CultureInfo.InvariantCulture, $"{count} {done}");
}
