using Interceptor.Cli.Demo.Peers;

namespace Interceptor.Tests.Demo;

public sealed class PatternStreamTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(3, 2)]
    [InlineData(7, 1)]
    [InlineData(5, 3)]
    [InlineData(5, 11)]
    [InlineData(8, 8)]
    [InlineData(63, 130)]
    [InlineData(4096, 4095)]
    public void Any_part_is_the_same_as_in_the_whole(int offset, int length)
    {
        var pattern = new PatternStream(77);
        byte[] whole = new byte[offset + length];
        pattern.Fill(0, whole);
        byte[] part = new byte[length];
        pattern.Fill(offset, part);
        Assert.Equal(whole[offset..], part);
    }

    [Fact]
    public void Parts_beyond_four_gigabytes_differ_from_those_at_the_beginning()
    {
        var pattern = new PatternStream(1);
        byte[] near = new byte[64];
        byte[] far = new byte[64];
        pattern.Fill(0, near);
        pattern.Fill(1L << 35, far);
        Assert.NotEqual(near, far);
    }

    [Fact]
    public void Another_seed_is_another_stream()
    {
        byte[] one = new byte[64];
        byte[] other = new byte[64];
        new PatternStream(1).Fill(0, one);
        new PatternStream(2).Fill(0, other);
        Assert.NotEqual(one, other);
    }
}
