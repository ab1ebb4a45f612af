using Interceptor.Capture.Intercept;
using Interceptor.Tcp;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>The classes of segments in a recording at the sender, against the counters of the sender's kernel.</summary>
public sealed class ClassificationTruthTests
{
    // The router drops the same packets of each direction, by their number, however slow the machine is: the retransmissions vary only with what the sender's timers add.
    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void Retransmissions_are_counted_as_the_senders_kernel_counts_them(ulong seed)
    {
        using var lab = new TruthLab(new TruthLabOptions
        {
            Impairments = new ImpairmentOptions { Loss = 0.04, Delay = TimeSpan.FromMilliseconds(15), Seed = seed },
            OneSegmentPerPacket = true,
        });
        TruthLab.Transfer(lab.Client, lab.Server, 400_000);
        lab.Quiet("at rest");
        KernelCounters kernel = KernelCounters.Read(lab.ClientHost);
        TcpDirectionCounters model = lab.ClientTap.Find(lab.ClientEnd, lab.ServerEnd).Counters;
        long byTimer = kernel["TCPTimeouts"] + kernel["TCPLossProbes"] + kernel["TCPSlowStartRetrans"];
        TestContext.Current.SendDiagnosticMessage(
            $"seed {seed}: RetransSegs {kernel["RetransSegs"]} and {model.Retransmissions}, TCPFastRetrans {kernel["TCPFastRetrans"]} and {model.FastRetransmissions}, by a timer {byTimer}");
        Assert.True(kernel["RetransSegs"] > 0);
        Assert.Equal(kernel["RetransSegs"], model.Retransmissions);
        Assert.Equal(0, model.OutOfOrder);

        // What a timer began, no packet says: where none fired the counts are equal.
        Assert.InRange(model.FastRetransmissions, kernel["TCPFastRetrans"] - byTimer, kernel["TCPFastRetrans"] + byTimer);
    }
}
