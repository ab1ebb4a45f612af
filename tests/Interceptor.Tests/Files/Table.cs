namespace Interceptor.Tests.Files;

/// <summary>A tab-separated table with a header, by its first column.</summary>
internal static class Table
{
    internal static Dictionary<string, Dictionary<string, string>> Read(string path)
    {
        string[] lines = File.ReadAllLines(path);
        string[] header = lines[0].Split('\t');
        return lines.Skip(1).Where(line => line.Length > 0)
            .Select(line => line.Split('\t'))
            .ToDictionary(cells => cells[0], cells => header.Zip(cells).ToDictionary(pair => pair.First, pair => pair.Second));
    }
}
