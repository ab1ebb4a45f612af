using System.Text;
using FsCheck.Fluent;
using Interceptor.Capture.Intercept;
using Interceptor.Testing;

namespace Interceptor.Tests.Intercept.Editing;

/// <summary>Positions and bytes, against the plain meaning of each, spelled out byte by byte.</summary>
public sealed class StreamTranslationTests
{
    [Fact]
    public void Every_range_is_made_of_the_bytes_between_the_places_of_its_ends() => ForRandom((translation, text, edited) =>
    {
        for (int from = 0; from <= text.Length; from++)
        {
            for (int to = from; to <= text.Length; to++)
            {
                int first = (int)translation.ToMapped(from);
                byte[] written = new byte[(int)translation.ToMapped(to) - first];
                translation.Write(from, text.AsSpan(from, to - from), written);
                Assert.Equal(edited.AsSpan(first, written.Length).ToArray(), written);
            }
        }

        Assert.Equal((0, edited.Length), (translation.ToMapped(0), translation.ToMapped(text.Length)));
    });

    [Fact]
    public void An_acknowledgment_covers_all_whose_bytes_have_come_and_a_block_begins_where_its_first_byte_does() => ForRandom((translation, text, edited) =>
    {
        for (int mapped = 0; mapped <= edited.Length; mapped++)
        {
            int[] positions = [.. Enumerable.Range(0, text.Length + 1)];
            Assert.Equal(positions.Last(position => translation.ToMapped(position) <= mapped), translation.ToOriginal(mapped));
            Assert.Equal(positions.First(position => translation.ToMapped(position) >= mapped), Math.Max(translation.ToOriginalStart(mapped), 0));
        }

        Assert.Equal(text.Length + 7, translation.ToOriginal(edited.Length + 7));
    });

    [Fact]
    public void What_is_forgotten_leaves_the_rest_where_it_was() => ForRandom((translation, text, edited) =>
    {
        long[] before = [.. Enumerable.Range(0, text.Length + 1).Select(position => translation.ToMapped(position))];
        int acknowledged = edited.Length / 2;
        translation.Fold(acknowledged);
        Assert.True(translation.ToMapped(translation.FoldedTo) <= acknowledged);
        for (int position = (int)translation.FoldedTo; position <= text.Length; position++)
        {
            Assert.Equal(before[position], translation.ToMapped(position));
        }

        for (int position = 0; position < translation.FoldedTo; position++)
        {
            Assert.True(translation.ToMapped(position) <= acknowledged);
        }
    });

    [Fact]
    public void A_pair_that_may_have_begun_is_open_unless_nothing_follows()
    {
        var rules = new ReplacementSet([Replacement.Parse("abcX=1"), Replacement.Parse("b=2")]);
        Assert.Equal(ReplacementSet.Result.Open, rules.Find("zabc"u8, 0, isFinal: false, out int index, out _));
        Assert.Equal(1, index);
        Assert.Equal(ReplacementSet.Result.Found, rules.Find("zabc"u8, 0, isFinal: true, out index, out int pair));
        Assert.Equal((2, 1), (index, pair));
        Assert.Equal(ReplacementSet.Result.Found, rules.Find("zabcX"u8, 0, isFinal: false, out index, out pair));
        Assert.Equal((1, 0), (index, pair));
    }

    [Theory]
    [InlineData("a=b", "a", "b")]
    [InlineData(@"\x00\xff=", "00-FF", "")]
    [InlineData(@"a\=b=c=d", "a=b", "c=d")]
    [InlineData(@"\r\n\t=\\", "\r\n\t", "\\")]
    [InlineData("ä=ö😀", "ä", "ö😀")]
    public void A_pair_is_text_with_escapes(string text, string old, string @new)
    {
        Replacement pair = Replacement.Parse(text);
        Assert.Equal(old.Contains('-', StringComparison.Ordinal) ? [0x00, 0xFF] : Encoding.UTF8.GetBytes(old), pair.Old.ToArray());
        Assert.Equal(Encoding.UTF8.GetBytes(@new), pair.New.ToArray());
    }

    [Theory]
    [InlineData("ab", "there is no '='")]
    [InlineData("=b", "nothing before the '='")]
    [InlineData(@"a\q=b", "a backslash is followed by")]
    [InlineData(@"a\x0g=b", "a backslash is followed by")]
    [InlineData(@"a=b\", "a backslash is followed by")]
    public void What_is_no_pair_is_refused_with_the_reason(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<FormatException>(() => Replacement.Parse(text)).Message, StringComparison.Ordinal);

    private static void ForRandom(Action<StreamTranslation, byte[], byte[]> check) => PropertyCheck.ForAll(
        Gen.Choose(0, int.MaxValue - 1).ToArbitrary(),
        seed =>
        {
            var random = new Random(seed);
            byte[] text = ConnectionEditorTests.Text(random, 3, random.Next(0, 40));
            Replacement[] rules =
            [
                .. Enumerable.Range(0, 2).Select(_ => new Replacement(ConnectionEditorTests.Text(random, 3, random.Next(1, 4)), ConnectionEditorTests.Text(random, 3, random.Next(0, 6)))),
            ];
            var set = new ReplacementSet(rules);
            var translation = new StreamTranslation(set);
            int at = 0;
            while (set.Find(text, at, isFinal: true, out int index, out int pair) == ReplacementSet.Result.Found)
            {
                translation.Add(index, pair);
                at = index + rules[pair].Old.Length;
            }

            check(translation, text, ConnectionEditorTests.Replaced(text, rules));
        },
        count: 60);
}
