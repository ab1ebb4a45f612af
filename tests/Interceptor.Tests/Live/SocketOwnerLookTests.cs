using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Live;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Tests.Live;

/// <summary>The look at single connections, beside sockets of this process, which the kernel lists to anybody.</summary>
public sealed class SocketOwnerLookTests : IDisposable
{
    private const long Second = 1_000_000_000;

    private readonly SocketOwnerTable _table = SocketOwnerTable.Open();
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Socket _client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly FlowKey _flow;
    private long _now = Clock.MonotonicNanoseconds();

    public SocketOwnerLookTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        Refresh();
        _client.Connect(_listener.LocalEndPoint!);
        _flow = new FlowKey(End(_client.LocalEndPoint!), End(_listener.LocalEndPoint!), IpProtocol.Tcp);
    }

    public void Dispose()
    {
        _table.Dispose();
        _listener.Dispose();
        _client.Dispose();
    }

    [Fact]
    public void A_connection_is_known_as_soon_as_it_was_looked_at_alone()
    {
        Assert.Null(Owner());
        CaptureTimestamp opened = Now();
        Assert.False(_table.HasLooked(_flow, opened));
        Look(opened);
        Assert.Contains(Environment.ProcessId, Owner()!.Processes.Select(static process => process.Pid));
        Assert.True(_table.HasLooked(_flow, opened));
    }

    [Fact]
    public void One_that_a_listing_had_since_it_was_opened_keeps_its_owner_though_it_is_gone_when_it_is_looked_at_alone()
    {
        CaptureTimestamp opened = Now();
        Refresh();
        Close();
        Look(opened);
        Assert.Contains(Environment.ProcessId, Owner()!.Processes.Select(static process => process.Pid));
        Assert.True(_table.HasLooked(_flow, opened));
    }

    [Fact]
    public void One_that_is_gone_before_any_look_is_not_taken_for_that_which_had_its_ends_before()
    {
        Refresh();
        Close();
        Assert.NotNull(Owner());
        Look(Now());
        Assert.Null(Owner());
    }

    private static CaptureTimestamp Now() => new(Clock.RealtimeNanoseconds());

    private static FlowEndpoint End(EndPoint end) => new(IpAddress.FromBytes(((IPEndPoint)end).Address.GetAddressBytes()), (ushort)((IPEndPoint)end).Port);

    private SocketOwnerInfo? Owner() => _table.TryFind(_flow.Source, _flow.Destination, IpProtocol.Tcp, out SocketOwnerInfo? owner) ? owner : null;

    private void Refresh() => _table.Refresh(_now += Second);

    private void Look(CaptureTimestamp opened) => _table.Look([new SocketOpening(_flow, opened)], _now += Second);

    private void Close()
    {
        // With a reset: nothing stays.
        _client.LingerState = new LingerOption(enable: true, 0);
        _client.Close();
    }
}
