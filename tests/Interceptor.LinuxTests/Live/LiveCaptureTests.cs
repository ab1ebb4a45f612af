using Interceptor.Capture.Files;
using Interceptor.Capture.Live;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

public sealed class LiveCaptureTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    [Fact]
    public void Datagrams_on_loopback_are_captured_once_each_and_others_filtered_in_the_kernel()
    {
        using NetworkLab lab = NetworkLab.Create();
        using var sender = new LoopbackSender(lab.Client);
        using LiveCapture capture = lab.Client.Run(() => LiveCapture.Open(new LiveCaptureOptions
        {
            Interface = "lo",
            Filter = $"udp dst port {sender.Port}",
        }));
        Assert.Equal(LinkType.Ethernet, capture.Descriptions[0].LinkType);
        long before = Now();
        for (int i = 0; i < 200; i++)
        {
            sender.Send(i);
            sender.SendElsewhere(i);
        }

        for (int i = 0; i < 200; i++)
        {
            using PacketLease lease = Take(capture);
            Assert.Equal(i, BitConverter.ToInt32(lease.Data[^4..]));
            Assert.Equal(14 + 20 + 8 + 4, lease.Metadata.OriginalLength);
            Assert.Equal(i + 1, lease.Metadata.Number);
            Assert.InRange(lease.Metadata.Timestamp.Nanoseconds, before, Now());
        }

        LiveCaptureStatistics statistics = capture.Statistics;
        Assert.Equal(200, statistics.Captured);
        Assert.Equal(200, statistics.Received); // The kernel shows loopback packets going out and coming in; our filter lets one of them pass.
        Assert.Equal(400, statistics.Seen);
        Assert.Equal(200, statistics.Filtered);
        Assert.Equal(0, statistics.DroppedByKernel);
        Assert.Equal(0, statistics.DroppedByUser);
        Assert.True(capture.WouldWait);
    }

    /// <summary>libpcap filters the first block of its ring by itself, and rejects there what only the kernel knows.</summary>
    [Theory]
    [InlineData("lo", "inbound and udp", 5)]
    [InlineData("lo", "outbound", 0)]
    [InlineData("any", "udp", 5)]
    [InlineData("any", "inbound and udp", 5)]
    public void The_first_packets_pass_a_filter_that_only_the_kernel_can_apply(string name, string filter, int expected)
    {
        using NetworkLab lab = NetworkLab.Create();
        using var sender = new LoopbackSender(lab.Client);
        using LiveCapture capture = lab.Client.Run(() => LiveCapture.Open(new LiveCaptureOptions { Interface = name, Filter = filter }));
        for (int i = 0; i < 5; i++)
        {
            sender.Send(i);
        }

        capture.Stop();
        int taken = 0;
        while (capture.TryRead(out CapturedPacket packet))
        {
            Assert.Equal(taken++, BitConverter.ToInt32(packet.Data[^4..]));
        }

        Assert.Equal(expected, taken);
        Assert.Equal(expected, capture.Statistics.Received);
        Assert.Equal(name == "any" ? LinkType.LinuxCooked2 : LinkType.Ethernet, capture.Descriptions[0].LinkType);
    }

    [Fact]
    public void The_snap_length_cuts_and_the_original_length_stays()
    {
        using NetworkLab lab = NetworkLab.Create();
        using var sender = new LoopbackSender(lab.Client);
        using LiveCapture capture = lab.Client.Run(() => LiveCapture.Open(new LiveCaptureOptions
        {
            Interface = "lo",
            Filter = "udp",
            SnapLength = 34,
            Immediate = true,
        }));
        sender.Send(1);
        using PacketLease lease = Take(capture);
        Assert.Equal(34, lease.Length);
        Assert.Equal(46, lease.Metadata.OriginalLength);
    }

    [Fact]
    public void A_full_queue_drops_and_counts()
    {
        using NetworkLab lab = NetworkLab.Create();
        using var sender = new LoopbackSender(lab.Client);
        using LiveCapture capture = lab.Client.Run(() => LiveCapture.Open(new LiveCaptureOptions
        {
            Interface = "lo",
            Filter = $"udp dst port {sender.Port}",
            QueueBytes = 1 << 20,
        }));
        const int Length = 60_000;
        const int Sent = 100;
        for (int i = 0; i < Sent; i++)
        {
            sender.Send(i, Length);
        }

        Assert.True(SpinWait.SpinUntil(() => capture.Statistics is { Received: Sent } now && now.Captured + now.DroppedByUser == Sent, Deadline), capture.Statistics.ToString());
        LiveCaptureStatistics statistics = capture.Statistics;
        Assert.Equal(0, statistics.DroppedByKernel);
        Assert.InRange(statistics.Captured, (1 << 20) / (Length + 100), 3 * (1 << 20) / Length);
        capture.Stop();
        for (int i = 0; i < statistics.Captured; i++)
        {
            Take(capture).Dispose();
        }

        Assert.False(capture.TryRead(out _));
        Assert.True(capture.HasEnded);
    }

    [Fact]
    public async Task Stopping_ends_the_queue_behind_what_waits_in_it()
    {
        using NetworkLab lab = NetworkLab.Create();
        using var sender = new LoopbackSender(lab.Client);
        using var stop = new CancellationTokenSource();
        using LiveCapture capture = lab.Client.Run(() =>
            LiveCapture.Open(new LiveCaptureOptions { Interface = "lo", Filter = "udp", Immediate = true }, stop.Token));
        sender.Send(1);
        Assert.True(SpinWait.SpinUntil(() => capture.Statistics.Captured == 1, Deadline));
        await stop.CancelAsync();
        Take(capture).Dispose();
        Assert.False(await Task.Run(() => capture.TryRead(out _), TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken));
        Assert.True(capture.HasEnded);
        capture.Dispose();
        Assert.Equal(1, capture.Statistics.Received);
    }

    [Fact]
    public async Task Disposing_a_silent_capture_returns()
    {
        using NetworkLab lab = NetworkLab.Create();
        LiveCapture capture = lab.Client.Run(() => LiveCapture.Open(new LiveCaptureOptions { Interface = "lo" }));
        await Task.Run(capture.Dispose, TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task An_interface_that_goes_away_ends_the_capture_with_an_error()
    {
        NetworkLab lab = NetworkLab.Create();
        using NetworkNamespace client = NetworkNamespace.Open(lab.Client.Path);
        using var source = new LivePacketSource(client.Run(() =>
            LiveCapture.Open(new LiveCaptureOptions { Interface = NetworkLab.ClientInterface, Filter = "udp port 9" })));
        Task<LinuxException> end = Task.Run(() => Assert.Throws<LinuxException>(() => source.TryRead(out _)), TestContext.Current.CancellationToken);
        lab.Dispose();
        LinuxException failure = await end.WaitAsync(Deadline, TestContext.Current.CancellationToken);
        Assert.Contains($"interface {NetworkLab.ClientInterface}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_interface_that_is_not_there_is_refused_with_those_that_are()
    {
        using NetworkLab lab = NetworkLab.Create();
        LinuxException exception = lab.Client.Run(() =>
            Assert.Throws<LinuxException>(() => LiveCapture.Open(new LiveCaptureOptions { Interface = "nowhere0" })));
        Assert.Equal(Errno.ENODEV, exception.Errno);
        Assert.Contains($"Interfaces here: lo, {NetworkLab.ClientInterface}.", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_filter_that_does_not_compile_is_refused()
    {
        using NetworkLab lab = NetworkLab.Create();
        FilterSyntaxException exception = lab.Client.Run(() =>
            Assert.Throws<FilterSyntaxException>(() => LiveCapture.Open(new LiveCaptureOptions { Interface = "lo", Filter = "tcp prot 80" })));
        Assert.Contains("syntax error", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Interfaces_are_listed_with_their_addresses_and_link_types()
    {
        using NetworkLab lab = NetworkLab.Create();
        IReadOnlyList<NetworkInterfaceInfo> list = lab.Client.Run(NetworkInterfaces.List);
        NetworkInterfaceInfo link = Assert.Single(list, static at => at.Name == NetworkLab.ClientInterface);
        Assert.Contains(link.Addresses, static address => address.ToString() == NetworkLab.ClientAddress);
        Assert.Contains(link.Addresses, static address => address.ToString() == NetworkLab.ClientAddressV6);
        Assert.True(link is { IsUp: true, IsRunning: true, IsLoopback: false, LinkType: LinkType.Ethernet });
        Assert.True(Assert.Single(list, static at => at.Name == "lo").IsLoopback);
    }

    [Fact]
    public void A_capture_written_to_a_file_reads_back_as_it_was()
    {
        using NetworkLab lab = NetworkLab.Create();
        using var sender = new LoopbackSender(lab.Client);
        string path = Path.Combine(Directory.CreateTempSubdirectory("interceptor-test").FullName, "lo.pcapng");
        var taken = new List<(long At, string Data)>();
        using (LiveCapture capture = lab.Client.Run(() => LiveCapture.Open(new LiveCaptureOptions { Interface = "lo", Filter = "udp", Immediate = true })))
        using (CaptureFileWriter writer = CaptureFile.Create(path))
        {
            writer.AddInterface(capture.Descriptions[0]);
            for (int i = 0; i < 5; i++)
            {
                sender.Send(i);
                using PacketLease lease = Take(capture);
                writer.Write(lease.Packet);
                taken.Add((lease.Metadata.Timestamp.Nanoseconds, Convert.ToHexString(lease.Data)));
            }

            writer.Commit();
        }

        var read = new List<(long At, string Data)>();
        using (CaptureFileReader reader = CaptureFile.OpenRead(path))
        {
            while (reader.TryRead(out CapturedPacket packet))
            {
                read.Add((packet.Metadata.Timestamp.Nanoseconds, Convert.ToHexString(packet.Data)));
            }
        }

        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        Assert.Equal(taken, read);
    }

    private static PacketLease Take(LiveCapture capture)
    {
        PacketLease? lease = null;
        Assert.True(SpinWait.SpinUntil(() => capture.TryTake(out lease), Deadline), $"No packet came: {capture.Statistics}");
        return lease!;
    }

    private static long Now() => Clock.RealtimeNanoseconds();
}
