using Interceptor.Cli;
using Interceptor.Cli.Input;

namespace Interceptor.Tests.Cli;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("1500", 1500)]
    [InlineData("64KiB", 65536)]
    [InlineData("10MB", 10_000_000)]
    [InlineData("1G", 1_000_000_000)]
    [InlineData("1.5kb", 1500)]
    public void Sizes_are_read(string text, long expected) => Assert.Equal(expected, Quantity.Size(text));

    [Theory]
    [InlineData("9600", 9600)]
    [InlineData("10Mbit", 10_000_000)]
    [InlineData("1.5Gbit", 1_500_000_000)]
    [InlineData("100kbit/s", 100_000)]
    public void Bit_rates_are_read(string text, long expected) => Assert.Equal(expected, Quantity.BitRate(text));

    [Theory]
    [InlineData("50ms", 50)]
    [InlineData("30s", 30_000)]
    [InlineData("5m", 300_000)]
    [InlineData("1.5h", 5_400_000)]
    [InlineData("2", 2000)]
    public void Durations_are_read(string text, double milliseconds) =>
        Assert.Equal(milliseconds, Quantity.Duration(text).TotalMilliseconds);

    [Fact]
    public void A_duration_keeps_its_microseconds() => Assert.Equal(200, Quantity.Duration("20us").Ticks);

    [Theory]
    [InlineData("1%", 0.01)]
    [InlineData("0.5%", 0.005)]
    [InlineData("0", 0)]
    [InlineData("100%", 1)]
    public void Probabilities_are_read(string text, double expected) => Assert.Equal(expected, Quantity.Probability(text), 12);

    [Theory]
    [InlineData("")]
    [InlineData("KB")]
    [InlineData("-1")]
    [InlineData("1 0")]
    [InlineData("1e3")]
    [InlineData("10XB")]
    [InlineData("99999999999999999999999999TB")]
    public void A_size_that_is_none_is_a_usage_error(string text) => Assert.Throws<UsageException>(() => Quantity.Size(text));

    [Theory]
    [InlineData("0.1")]
    [InlineData("10")]
    public void A_probability_without_its_sign_is_a_usage_error(string text) => Assert.Throws<UsageException>(() => Quantity.Probability(text));

    [Fact]
    public void A_delay_without_its_unit_is_a_usage_error()
    {
        Assert.Throws<UsageException>(() => Quantity.DurationWithUnit("20"));
        Assert.Equal(TimeSpan.FromMilliseconds(20), Quantity.DurationWithUnit("20ms"));
        Assert.Equal(TimeSpan.Zero, Quantity.DurationWithUnit("0"));
    }

    [Fact]
    public void More_than_certain_is_a_usage_error() => Assert.Throws<UsageException>(() => Quantity.Probability("101%"));
}
