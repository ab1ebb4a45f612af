using Interceptor.Cli.Output;

namespace Interceptor.Cli.Live;

/// <summary>The pictures of <c>interceptor top</c> where there is no terminal: lines of text, or JSON. Threads: one at a time.</summary>
internal sealed class TopPrinter(CommandOutput output, TopOptions options)
{
    private readonly LiveTable<ConnectionRow> _table = options.CreateTable();
    private int _refreshes;

    /// <summary>Prints one.</summary>
    /// <param name="picture">The connections.</param>
    /// <param name="age">Time since the start, ns.</param>
    internal void Write(ConnectionPicture picture, long age)
    {
        _refreshes++;
        if (output.Json)
        {
            WriteJson(picture, age);
        }
        else
        {
            WriteText(picture, age);
        }

        output.Flush();
    }

    /// <summary>Prints what comes last.</summary>
    /// <param name="dropped">Packets dropped by the kernel or by us.</param>
    /// <param name="evicted">Connections given up for memory's sake.</param>
    /// <param name="error">What ended a capture before its time; null for nothing.</param>
    internal void Finish(long dropped, long evicted, string? error)
    {
        if (output.Json)
        {
            output.WriteJson("summary", json =>
            {
                json.WriteNumber("refreshes", _refreshes);
                json.WriteNumber("dropped", dropped);
                json.WriteNumber("evicted_connections", evicted);
                json.WriteString("error", error);
            });
        }
    }

    // A line of no particular length: no column is left out, and none is cut.
    private void WriteText(ConnectionPicture picture, long age)
    {
        output.Text.WriteLine(ConnectionScreen.TitleOf(options.Title, picture, age));
        int height = (int)Math.Min(options.Rows + 1L, int.MaxValue);
        foreach (string line in LiveFrameText.Plain(_table.View(picture.Rows, short.MaxValue, height)))
        {
            output.Text.WriteLine(line);
        }

        output.Text.WriteLine();
    }

    private void WriteJson(ConnectionPicture picture, long age)
    {
        output.HoldJson = true;
        foreach (ConnectionRow row in _table.Order(picture.Rows).Take(options.Rows))
        {
            output.WriteJson("connection", json => ConnectionRowJson.Write(json, row, _refreshes));
        }

        output.WriteJson("refresh", json =>
        {
            json.WriteNumber("refresh", _refreshes);
            json.WriteNumber("elapsed_ms", age / 1e6);
            json.WriteNumber("connections", picture.Rows.Count);
            json.WriteNumber("open", picture.Open);
            json.WriteNumber("bits_per_second", picture.Rate);
            json.WriteNumber("packets", picture.Packets);
            json.WriteNumber("dropped", picture.Dropped);
        });
        output.HoldJson = false;
    }
}
