using System.Globalization;
using System.Text;
using Interceptor.Cli.Holding;
using Interceptor.Cli.Output;

namespace Interceptor.Tests.Intercept.Holding;

public sealed class HoldLinesTests
{
    [Fact]
    public void Who_does_not_read_loses_events_is_told_how_many_and_loses_no_answer()
    {
        using var stream = new StoppedStream();
        using var output = new CommandOutput(json: true, stream, TextWriter.Null);
        using var lines = new HoldLines(output, () => Assert.Fail("It failed."));
        lines.WriteEvent("first");
        stream.AwaitWriter();
        for (int i = 0; i < HoldLines.MaximumEvents + 7; i++)
        {
            lines.WriteEvent(i.ToString(CultureInfo.InvariantCulture));
        }

        lines.WriteAnswer("answer");
        stream.Go();
        lines.Dispose();
        lines.WriteAnswer("too late");
        string[] written = stream.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(
            ["first", .. Enumerable.Range(0, HoldLines.MaximumEvents).Select(i => i.ToString(CultureInfo.InvariantCulture)), "{\"type\":\"left_out\",\"events\":7}", "answer"], written);
    }

    [Fact]
    public void When_nobody_reads_any_more_the_owner_is_told_once_and_nothing_stops()
    {
        int failures = 0;
        using var failed = new ManualResetEventSlim();
        using var stream = new StoppedStream { IsBroken = true };
        using var output = new CommandOutput(json: true, stream, TextWriter.Null);
        using var lines = new HoldLines(output, () =>
        {
            failures++;
            failed.Set();
        });
        stream.Go();
        lines.WriteEvent("lost");
        Assert.True(failed.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        lines.WriteEvent("lost too");
        lines.Dispose();
        Assert.Equal(1, failures);
        stream.IsBroken = false;
    }

    /// <summary>Takes nothing until it may.</summary>
    private sealed class StoppedStream : MemoryStream
    {
        private readonly ManualResetEventSlim _mayGo = new();
        private readonly ManualResetEventSlim _isWriting = new();

        internal bool IsBroken { get; set; }

        internal string Text => Encoding.UTF8.GetString(ToArray());

        internal void AwaitWriter() => Assert.True(_isWriting.Wait(TimeSpan.FromSeconds(20)));

        internal void Go() => _mayGo.Set();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _isWriting.Set();
            _mayGo.Wait();
            if (IsBroken)
            {
                throw new IOException("Nobody reads.");
            }

            base.Write(buffer);
        }

        protected override void Dispose(bool disposing)
        {
            _mayGo.Dispose();
            _isWriting.Dispose();
            base.Dispose(disposing);
        }
    }
}
