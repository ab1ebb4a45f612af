using System.Globalization;
using Interceptor.Checkpoint;
using Interceptor.Tcp;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>
/// Images out of captures, against the kernel's dump of the same instant, and the connections restored from them. INTERCEPTOR_TRANSFERS=50 makes as many; docs/from-capture.md has the figures.
/// </summary>
public sealed class FromCaptureTests
{
    // Chosen so that each kind of RecordedTransfer is among them: a run of all takes minutes.
    private static readonly int[] Few = [0, 4, 5, 10, 13, 20, 34];

    public static TheoryData<int> Transfers => int.TryParse(Environment.GetEnvironmentVariable("INTERCEPTOR_TRANSFERS"), NumberStyles.None, CultureInfo.InvariantCulture, out int count)
        ? [.. Enumerable.Range(0, count)]
        : [.. Few];

    [Theory]
    [MemberData(nameof(Transfers))]
    public void The_image_is_the_kernels_in_every_field_that_packets_tell_and_the_connection_goes_on_from_it(int number)
    {
        var transfer = new RecordedTransfer(number);
        using var run = new RecordedRun(transfer);
        run.Begin();
        (SessionImage kernel, SessionImage captured) = run.Cut();
        string[] differences = [.. SessionComparison.Compare(SessionImageDirectory.ReadDocument(run.KernelImage), SessionImageDirectory.ReadDocument(run.CapturedImage))
            .Where(difference => !IsInvisible(difference, kernel, captured))
            .Select(difference => $"{difference.Field}: kernel {difference.Before}, packets {difference.After}")];
        Assert.True(differences.Length == 0, $"{transfer}\n{string.Join('\n', differences)}");
        Assert.Equal(kernel.SentPart.ToArray(), captured.SendQueue.ToArray());
        Assert.Equal(kernel.ReceiveQueue.ToArray(), captured.ReceiveQueue.ToArray());
        TestContext.Current.SendDiagnosticMessage(
            $"{transfer}: {kernel.Snapshot.State.ToRfcName()}, in flight {kernel.Snapshot.InFlightBytes}, unsent {kernel.Snapshot.UnsentBytes}, unread {kernel.Snapshot.UnreadBytes}, "
            + $"beyond a gap {captured.HeldPackets.Count} packets, TS {unchecked((int)(captured.Snapshot.TimestampValue - kernel.Snapshot.TimestampValue))} ms");
        run.Finish();
    }

    // What no packet tells: a window beyond what the header's field can offer, unsent data and its FIN, the socket's options, the clock of the machine, what the kernel counts besides the two streams.
    private static bool IsInvisible(SessionDifference difference, SessionImage kernel, SessionImage captured) => difference.Field switch
    {
        "source" or "assumed" or "warnings" or "held_packets" => true,
        "counters.bytes_received" or "counters.bytes_acked" => false,
        "sequences.rcv_wnd" => captured.Snapshot.RcvWnd == Math.Min(kernel.Snapshot.RcvWnd, (uint)ushort.MaxValue << kernel.Snapshot.RcvWindowScale),
        "sequences.write_seq" => captured.Snapshot.WriteSeq == kernel.Snapshot.SndNxt,
        "connection.state" => kernel.Snapshot.FinQueued && kernel.Snapshot.SndNxt != kernel.Snapshot.WriteSeq && captured.Snapshot.State == WithoutFin(kernel.Snapshot.State),

        // The clock's tick lies anywhere within a millisecond.
        "options.timestamp_value" => Math.Abs(unchecked((int)(captured.Snapshot.TimestampValue - kernel.Snapshot.TimestampValue))) <= 2,
        { } field => field.StartsWith("socket.", StringComparison.Ordinal) || field.StartsWith("clock.", StringComparison.Ordinal) || field.StartsWith("counters.", StringComparison.Ordinal),
    };

    private static TcpState WithoutFin(TcpState state) => state switch
    {
        TcpState.FinWait1 => TcpState.Established,
        TcpState.LastAck or TcpState.Closing => TcpState.CloseWait,
        _ => state,
    };
}
