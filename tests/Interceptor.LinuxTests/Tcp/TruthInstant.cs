using Interceptor.Tcp;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>Both sockets and both models of each, at one instant.</summary>
internal sealed record TruthInstant
{
    internal required KernelSocketState Client { get; init; }

    internal required KernelSocketState Server { get; init; }

    internal required TcpSnapshot ClientAtClient { get; init; }

    internal required TcpSnapshot ServerAtClient { get; init; }

    internal required TcpSnapshot ClientAtServer { get; init; }

    internal required TcpSnapshot ServerAtServer { get; init; }

    internal required TcpSnapshot ClientAtRouter { get; init; }

    internal required TcpSnapshot ServerAtRouter { get; init; }

    /// <summary>Checks every field of both sockets from both hosts and from the router; the message names each one that breaks its rule.</summary>
    internal void Check(string when)
    {
        List<string> broken =
        [
            .. FieldRule.Broken(FieldRule.OwnHost, Client.Snapshot, ClientAtClient, Server.Snapshot, "client seen at the client"),
            .. FieldRule.Broken(FieldRule.OwnHost, Server.Snapshot, ServerAtServer, Client.Snapshot, "server seen at the server"),
            .. FieldRule.Broken(FieldRule.FarHost, Client.Snapshot, ClientAtServer, Server.Snapshot, "client seen at the server"),
            .. FieldRule.Broken(FieldRule.FarHost, Server.Snapshot, ServerAtClient, Client.Snapshot, "server seen at the client"),
            .. FieldRule.Broken(FieldRule.Between, Client.Snapshot, ClientAtRouter, Server.Snapshot, "client seen at the router"),
            .. FieldRule.Broken(FieldRule.Between, Server.Snapshot, ServerAtRouter, Client.Snapshot, "server seen at the router"),
        ];
        Assert.True(broken.Count == 0, $"{when}:\n{string.Join('\n', broken)}");
        TestContext.Current.SendDiagnosticMessage(
            $"{when}: far end: client SndNxt -{Client.Snapshot.SndNxt - ClientAtServer.SndNxt} SndUna +{ClientAtServer.SndUna - Client.Snapshot.SndUna}, "
            + $"server RcvNxt +{ServerAtClient.RcvNxt - Server.Snapshot.RcvNxt} RcvWup -{Server.Snapshot.RcvWup - ServerAtClient.RcvWup}; "
            + $"in flight {Client.Snapshot.InFlightBytes}, unsent {Client.Snapshot.UnsentBytes}, unread {Server.Snapshot.UnreadBytes}, "
            + $"out of order {ServerAtServer.OutOfOrderBytes}");
    }
}
