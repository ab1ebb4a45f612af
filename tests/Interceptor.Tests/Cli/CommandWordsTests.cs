using Interceptor.Cli;
using Interceptor.Cli.Input;

namespace Interceptor.Tests.Cli;

public sealed class CommandWordsTests
{
    [Theory]
    [InlineData("gzip", "gzip")]
    [InlineData("  xz  -9 ", "xz|-9")]
    [InlineData("a 'b c' \"d 'e\" f''g ''", "a|b c|d 'e|fg|")]
    [InlineData("sh -c 'echo $0 && ls *' \\", "sh|-c|echo $0 && ls *|\\")]
    public void Blanks_part_words_quotes_hold_them_together_and_nothing_else_means_anything(string text, string expected) =>
        Assert.Equal(expected, string.Join('|', CommandWords.Split(text, "-z")));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("''")]
    [InlineData("a 'b")]
    public void What_is_no_command_is_wrong_usage(string text) => Assert.Throws<UsageException>(() => CommandWords.Split(text, "-z"));

    [Fact]
    public void A_program_is_found_by_PATH_and_must_be_one_that_can_be_run()
    {
        Assert.Equal("sh", Path.GetFileName(CommandWords.Find("sh")));
        Assert.Equal("/bin/sh", CommandWords.Find("/bin/sh"));
        Assert.Null(CommandWords.Find("/etc/passwd"));
        Assert.Null(CommandWords.Find("/etc"));
        Assert.Null(CommandWords.Find("no such program"));
    }
}
