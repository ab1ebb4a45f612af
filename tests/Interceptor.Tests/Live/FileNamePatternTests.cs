using Interceptor.Capture.Live;
using Interceptor.Testing;

namespace Interceptor.Tests.Live;

public sealed class FileNamePatternTests
{
    [Theory]
    [InlineData("lo.pcapng", "lo.pcapng")]
    [InlineData("lo-%Y%m%d-%H%M%S.pcapng", "lo-20260601-000507.pcapng")]
    [InlineData("%Y/%m/%d/%H.pcap.gz", "2026/06/01/00.pcap.gz")]
    [InlineData("%F_%T_%R", "2026-06-01_00:05:07_00:05")]
    [InlineData("%y %C %j %e %I %p %u %w", "26 20 152  1 12 AM 1 1")]
    [InlineData("%a %A %b %h %B", "Mon Monday Jun Jun June")]
    [InlineData("%U %W %V %G %g", "22 22 23 2026 26")]
    [InlineData("%s.%f %z", "1780265107.000042 +0200")]
    [InlineData("100%%.pcap", "100%.pcap")]
    public void Conversions_are_those_of_strftime_in_local_time(string pattern, string expected) =>
        Assert.Equal(expected, FileNamePattern.Parse(pattern).Expand(ClockBoundaryTests.At("2026-05-31T22:05:07.000042Z"), ClockBoundaryTests.Berlin));

    [Fact]
    public void The_system_s_own_strftime_gives_the_same()
    {
        KernelTest.RequireTool("date");
        foreach (string day in (string[])["2026-01-01", "2024-12-30", "2023-01-01", "2028-02-29", "2026-12-31"])
        {
            foreach (char conversion in FileNamePattern.Conversions.Replace("f", "", StringComparison.Ordinal))
            {
                ChildResult date = ChildProcess.Run(null, TimeSpan.FromSeconds(10), "env", "LC_ALL=C", "TZ=UTC", "date", "-d", $"{day} 13:04:05", $"+%{conversion}");
                Assert.Equal(date.Output.TrimEnd('\n'), FileNamePattern.Parse($"%{conversion}").Expand(ClockBoundaryTests.At($"{day}T13:04:05Z"), TimeZoneInfo.Utc));
            }
        }
    }

    [Theory]
    [InlineData("lo-%Q.pcap", "'%Q'")]
    [InlineData("lo%", "'%'")]
    [InlineData("%%%", "'%'")]
    public void What_is_no_conversion_is_refused_by_name(string pattern, string named) =>
        Assert.Contains(named, Assert.Throws<FormatException>(() => FileNamePattern.Parse(pattern)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a%%b", false)]
    [InlineData("a%%%d", true)]
    [InlineData("ab", false)]
    public void A_percent_sign_is_no_conversion(string pattern, bool expected) => Assert.Equal(expected, FileNamePattern.Parse(pattern).HasConversions);

    [Theory]
    [InlineData("/tmp/lo.pcap.gz", "/tmp/lo-00012.pcap.gz")]
    [InlineData("lo", "lo-00012")]
    [InlineData("a.b/lo.zst", "a.b/lo-00012.zst")]
    public void A_number_stands_before_the_extensions_and_is_found_again(string path, string expected)
    {
        Assert.Equal(expected, FileNamePattern.Numbered(path, 12));
        Assert.Equal(12, FileNamePattern.NumberOf(Path.GetFileName(expected), path));
        Assert.Equal(12, FileNamePattern.NumberOf(Path.GetFileName(expected) + ".xz", path));
        Assert.Equal(0, FileNamePattern.NumberOf(Path.GetFileName(expected) + "x", path));
        Assert.Equal(0, FileNamePattern.NumberOf(Path.GetFileName(path), path));
        Assert.Equal(0, FileNamePattern.NumberOf("lo-0000x.pcap.gz", path));
    }
}
