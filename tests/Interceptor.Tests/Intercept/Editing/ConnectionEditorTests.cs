using System.Text;
using FsCheck.Fluent;
using Interceptor.Capture.Intercept;
using Interceptor.Testing;

namespace Interceptor.Tests.Intercept.Editing;

/// <summary>Whole connections through the editor, in virtual time.</summary>
public sealed class ConnectionEditorTests
{
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.02)]
    [InlineData(0.15)]
    public void Both_streams_arrive_replaced_and_the_connection_closes_whatever_is_lost_reordered_or_cut_otherwise(double loss) =>
        PropertyCheck.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed => RunRandom(seed, loss), count: 100);

    [Theory]
    [InlineData("ab=", "abababababab", "")]
    [InlineData("a=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "aaaaaaaaaaaaaaaaaa", null)]
    [InlineData("ab=a", "aabb", "aab")]
    [InlineData("abc=X", "ab", "ab")]
    public void An_edit_is_what_it_is_for_text(string rule, string text, string? expected)
    {
        byte[] upload = Encoding.ASCII.GetBytes(text);
        var lab = new EditingLab([Replacement.Parse(rule)], upload, [], new Random(1), loss: 0);
        lab.Run();
        Assert.Equal(expected ?? text.Replace("a", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", StringComparison.Ordinal), Encoding.ASCII.GetString(lab.Server.Received));
    }

    [Fact]
    public void No_packet_is_longer_than_its_way_takes_it()
    {
        byte[] upload = new byte[20_000];
        Array.Fill(upload, (byte)'a');
        var lab = new EditingLab([Replacement.Parse("a=bcd")], upload, upload, new Random(3), loss: 0.05);
        lab.Run();
        Assert.Equal(60_000, lab.Server.Received.Length);
        Assert.Equal(60_000, lab.Client.Received.Length);
        Assert.InRange(lab.Server.LongestPayload, 80, EditingLab.MaximumSegment);
        Assert.InRange(lab.Client.LongestPayload, 80, EditingLab.MaximumSegment);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_waited_for_what_was_lost_before_us_is_not_refused_as_old(bool timestamps)
    {
        byte[] upload = Text(new Random(5), 3, 60_000);
        byte[] download = Text(new Random(6), 3, 60_000);
        Replacement[] rules = [Replacement.Parse("ab=xyz"), Replacement.Parse("ca=")];
        var lab = new EditingLab(rules, upload, download, new Random(8), loss: 0.02, isOrderly: true, timestamps: timestamps);
        lab.Run();
        Assert.Equal(Replaced(upload, rules), lab.Server.Received);
        Assert.Equal(Replaced(download, rules), lab.Client.Received);
        Assert.Equal((0, 0), (lab.Server.Refused, lab.Client.Refused));
    }

    [Fact]
    public void What_is_acknowledged_is_forgotten()
    {
        byte[] upload = new byte[100_000];
        Array.Fill(upload, (byte)'a');
        var lab = new EditingLab([Replacement.Parse("a=bc")], upload, [], new Random(4), loss: 0.05);
        lab.Run();
        Assert.Equal((100_000, 100_000), (lab.Scratch.Replacements, lab.Scratch.Growth));
        Assert.Equal(200_000, lab.Server.Received.Length);
    }

    private static void RunRandom(int seed, double loss)
    {
        var random = new Random(seed);
        int letters = random.Next(2, 5);
        Replacement[] rules = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => new Replacement(Text(random, letters, random.Next(1, 6)), Text(random, letters, random.Next(0, 9))))];
        byte[] upload = Text(random, letters, random.Next(0, 3000));
        byte[] download = Text(random, letters, random.Next(0, 3000));
        FirewallHook hook = random.Next(2) == 0 ? FirewallHook.Forward : FirewallHook.Input;
        var lab = new EditingLab(rules, upload, download, random, loss, hook);
        lab.Run();
        Assert.Equal(Replaced(upload, rules), lab.Server.Received);
        Assert.Equal(Replaced(download, rules), lab.Client.Received);
        Assert.Equal(lab.Server.Received.Length + lab.Client.Received.Length - upload.Length - download.Length, lab.Scratch.Growth);
    }

    internal static byte[] Text(Random random, int letters, int length) => [.. Enumerable.Range(0, length).Select(_ => (byte)('a' + random.Next(letters)))];

    /// <summary>The plain meaning of it, written without regard to cost.</summary>
    internal static byte[] Replaced(byte[] text, IReadOnlyList<Replacement> rules)
    {
        var result = new List<byte>();
        for (int i = 0; i < text.Length;)
        {
            Replacement? match = rules.FirstOrDefault(rule => text.AsSpan(i).StartsWith(rule.Old.Span));
            result.AddRange(match is null ? [text[i]] : match.New.ToArray());
            i += match?.Old.Length ?? 1;
        }

        return [.. result];
    }
}
