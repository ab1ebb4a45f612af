using Interceptor.Cli.Output;

namespace Interceptor.Tests.Cli;

public sealed class PrintableTests
{
    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("\x1b[31mred", "\\x1b[31mred")]
    [InlineData("two\nlines", "two\\x0alines")]
    [InlineData("a\u202Eb", "a\\xe2\\x80\\xaeb")]
    [InlineData("Grüße, 世界", "Grüße, 世界")]
    [InlineData("\u0085\u200b", "\\xc2\\x85\\xe2\\x80\\x8b")]
    public void Only_what_a_terminal_would_act_on_is_changed(string text, string expected) =>
        Assert.Equal(expected, Printable.Escape(text));

    [Fact]
    public void Half_a_surrogate_pair_is_shown_as_the_replacement_character() => Assert.Equal("\uFFFD", Printable.Escape("\uD800"));
}
