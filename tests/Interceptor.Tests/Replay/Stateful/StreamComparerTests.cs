using System.Text;
using Interceptor.Replay.Stateful;

namespace Interceptor.Tests.Replay.Stateful;

/// <summary>Two streams compared while one of them arrives.</summary>
public sealed class StreamComparerTests
{
    private static readonly string Text = string.Concat(Enumerable.Range(0, 2000).Select(static number => $"line {number} of a text that nowhere repeats itself: {number * 7919 % 10007}\r\n"));

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public void Equal_streams_have_no_difference_however_they_are_cut(int piece)
    {
        (List<StreamDifference> differences, StreamComparer comparer) = Compare(Text, Text, piece);
        Assert.Empty(differences);
        Assert.Equal((Text.Length, Text.Length), (comparer.Position, comparer.SeenBytes));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(13, 5000)]
    [InlineData(100_000, 5000)]
    [InlineData(4096, 4095)]
    public void One_changed_byte_is_one_difference_at_its_place(int piece, int place)
    {
        string seen = string.Concat(Text.AsSpan(0, place), "~", Text.AsSpan(place + 1));
        StreamDifference difference = Assert.Single(Compare(Text, seen, piece).Differences);
        Assert.Equal((place, 1L, 1L), (difference.Offset, difference.ExpectedLength, difference.SeenLength));
        Assert.Equal([(byte)'~'], difference.Seen);
        Assert.Equal([(byte)Text[place]], difference.Expected);
    }

    [Fact]
    public void The_last_byte_changed_is_one_difference() =>
        Assert.Equal((Text.Length - 1, 1L, 1L), Shape(Assert.Single(Compare(Text, Text[..^1] + "~", 1000).Differences)));

    [Fact]
    public void Changes_far_apart_are_several_and_near_ones_are_one()
    {
        char[] seen = Text.ToCharArray();
        seen[1000] = seen[1003] = seen[2000] = '~';
        Assert.Equal([(1000, 4L, 4L), (2000, 1L, 1L)], Compare(Text, new string(seen), 512).Differences.Select(Shape));
    }

    [Theory]
    [InlineData(50)]
    [InlineData(100_000)]
    public void Bytes_put_in_are_one_difference_and_the_rest_is_the_same(int piece)
    {
        string seen = Text.Insert(3000, "Something that was not there before.");
        Assert.Equal((3000, 0L, 36L), Shape(Assert.Single(Compare(Text, seen, piece).Differences)));
    }

    [Theory]
    [InlineData(50)]
    [InlineData(100_000)]
    public void Bytes_left_out_are_one_difference_and_the_rest_is_the_same(int piece)
    {
        string seen = Text.Remove(3000, 45);
        StreamDifference difference = Assert.Single(Compare(Text, seen, piece).Differences);
        Assert.Equal((45L, 0L), (difference.ExpectedLength, difference.SeenLength));

        // Bytes that repeat before and behind may belong to either.
        Assert.InRange(difference.Offset, 2990, 3010);
    }

    [Fact]
    public void More_than_the_end_is_one_difference()
    {
        (List<StreamDifference> differences, StreamComparer comparer) = Compare(Text, Text + "and more", 100);
        Assert.Equal((Text.Length, 0L, 8L), Shape(Assert.Single(differences)));
        Assert.Equal(Text.Length, comparer.Position);
    }

    [Fact]
    public void What_did_not_come_is_told_by_the_one_who_waited()
    {
        (List<StreamDifference> differences, StreamComparer comparer) = Compare(Text, Text[..5000], 100);
        Assert.Empty(differences);
        Assert.Equal(5000, comparer.Position);
        Assert.Equal(1000, comparer.SkipTo(6000));
        Assert.Equal(6000, comparer.Position);
    }

    [Fact]
    public void A_wholly_different_stream_is_a_few_differences_and_not_thousands()
    {
        string seen = new('x', Text.Length);
        List<StreamDifference> differences = Compare(Text, seen, 1400).Differences;
        Assert.True(differences.Count < 5, $"{differences.Count} differences");
        Assert.Equal(Text.Length, differences.Sum(static it => it.ExpectedLength));
    }

    [Fact]
    public void A_mask_lets_another_value_of_another_length_pass()
    {
        const string Expected = "HTTP/1.1 200 OK\r\nX-Id: 17\r\nContent-Length: 5\r\n\r\nhello";
        const string Seen = "HTTP/1.1 200 OK\r\nX-Id: 4711-b\r\nContent-Length: 5\r\n\r\nhello";
        foreach (int piece in (ReadOnlySpan<int>)[1, 5, 1000])
        {
            (List<StreamDifference> differences, StreamComparer comparer) = Compare(Expected, Seen, piece, new StreamMask(@"X-Id: ([^\r]*)\r"));
            Assert.Empty(differences);
            Assert.Equal((1L, Expected.Length), (comparer.Masked, comparer.Position));
            Assert.NotEmpty(Compare(Expected, Seen, piece).Differences);
        }
    }

    [Fact]
    public void A_mask_does_not_hide_what_lies_beside_it()
    {
        const string Expected = "id=17;name=some one;and more text that is long enough to be found again";
        const string Seen = "id=4711;name=Some one;and more text that is long enough to be found again";
        StreamDifference difference = Assert.Single(Compare(Expected, Seen, 1000, new StreamMask(@"id=(\d+)")).Differences);
        Assert.Equal((11, 1L, 1L), Shape(difference));
        Assert.Equal("S"u8, difference.Seen);
    }

    [Fact]
    public void Dates_and_lengths_have_masks()
    {
        const string Expected = "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 01:02:03 GMT\r\nContent-Length: 40\r\n\r\n{\"at\":\"2026-11-22T01:02:03.5Z\",\"n\":1}";
        const string Seen = "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 11:12:13 GMT\r\nContent-Length: 138\r\n\r\n{\"at\":\"2026-11-23T11:12:13.25+01:00\",\"n\":1}";
        Assert.Empty(Compare(Expected, Seen, 64, [.. StreamMask.Dates, .. StreamMask.Lengths]).Differences);
        Assert.NotEmpty(Compare(Expected, Seen, 64, [.. StreamMask.Dates]).Differences);
        Assert.NotEmpty(Compare(Expected, Seen, 64, [.. StreamMask.Lengths]).Differences);
    }

    [Fact]
    public void Bytes_that_nobody_knows_are_any()
    {
        var expected = new Holes("abcdef????ghijkl");
        var differences = new List<StreamDifference>();
        var comparer = new StreamComparer(expected, [], differences.Add, new byte[1024]);
        comparer.Append("abcdef1234ghiXkl"u8);
        comparer.Finish();
        Assert.Equal((13, 1L, 1L), Shape(Assert.Single(differences)));
    }

    [Fact]
    public void Random_edits_are_found_and_leave_nothing_behind()
    {
        var random = new Random(11);
        for (int round = 0; round < 200; round++)
        {
            int at = random.Next(Text.Length - 3000);
            int kind = random.Next(3);
            string word = new([.. Enumerable.Range(0, random.Next(1, 500)).Select(_ => (char)random.Next(0x80, 0xFF))]);
            string seen = kind switch
            {
                0 => Text.Insert(at, word),
                1 => Text.Remove(at, word.Length),
                _ => Text.Remove(at, word.Length).Insert(at, word),
            };
            (List<StreamDifference> differences, StreamComparer comparer) = Compare(Text, seen, random.Next(1, 5000));
            StreamDifference difference = Assert.Single(differences);
            Assert.Equal(seen.Length - Text.Length, difference.SeenLength - difference.ExpectedLength);
            Assert.Equal(Text.Length, comparer.Position);
        }
    }

    private static (long, long, long) Shape(StreamDifference difference) => (difference.Offset, difference.ExpectedLength, difference.SeenLength);

    private static (List<StreamDifference> Differences, StreamComparer Comparer) Compare(string expected, string seen, int piece, params StreamMask[] masks)
    {
        var differences = new List<StreamDifference>();
        var comparer = new StreamComparer(new Holes(expected), masks, differences.Add, new byte[4096]);
        byte[] bytes = Encoding.Latin1.GetBytes(seen);
        for (int start = 0; start < bytes.Length; start += piece)
        {
            comparer.Append(bytes.AsSpan(start, Math.Min(piece, bytes.Length - start)));
        }

        comparer.Finish();
        return (differences, comparer);
    }

    /// <summary>A text; nobody knows its question marks.</summary>
    private sealed class Holes(string text) : IExpectedBytes
    {
        public long Length => text.Length;

        public long? PacketAt(long offset) => null;

        public int Read(long offset, Span<byte> destination, out bool isKnown)
        {
            isKnown = offset >= text.Length || text[(int)offset] != '?';
            int length = 0;
            while (length < destination.Length && offset + length < text.Length && text[(int)offset + length] != '?' == isKnown)
            {
                destination[length] = (byte)text[(int)offset + length];
                length++;
            }

            return length;
        }
    }
}
