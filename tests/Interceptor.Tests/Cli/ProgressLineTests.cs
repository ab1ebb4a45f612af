using Interceptor.Cli.Output;

namespace Interceptor.Tests.Cli;

public sealed class ProgressLineTests
{
    [Theory]
    [InlineData(null, "12 packets", 80, "12 packets")]
    [InlineData(0.0, "12 packets", 80, "[..............................]   0%  12 packets")]
    [InlineData(0.5, "12 packets", 80, "[###############...............]  50%  12 packets")]
    [InlineData(1.0, "12 packets", 80, "[##############################] 100%  12 packets")]
    [InlineData(1.7, "12 packets", 80, "[##############################] 100%  12 packets")]
    [InlineData(0.5, "12 packets", 30, "[#####.....]  50%  12 packets")]
    [InlineData(0.5, "12 packets", 20, " 50%  12 packets")]
    [InlineData(0.5, "12 packets", 10, " 50%  12 ")]
    [InlineData(0.5, "12 packets", 1, " ")]
    [InlineData(null, "12 packets", 5, "12 p")]
    public void The_line_fits_the_terminal(double? fraction, string text, int columns, string expected) =>
        Assert.Equal(expected, ProgressLine.Render(fraction, text, columns));
}
