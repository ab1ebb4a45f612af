using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>What a model at one place may say of one field, given what the kernels of this end and of its peer say. docs/tcp-model.md has this table.</summary>
internal sealed record FieldRule(string Field, Func<TcpSnapshot, object> Value, FieldRule.Check Holds)
{
    internal delegate bool Check(TcpSnapshot model, TcpSnapshot kernel, TcpSnapshot peerKernel);

    /// <summary>At the interface of the socket's own host: exact, but for what the application did and what the kernel joined before it looked.</summary>
    internal static IReadOnlyList<FieldRule> OwnHost { get; } =
    [
        new("State", s => s.State, (m, k, _) => m.State == WithoutUnsentFin(k)),
        Exact("SndUna", s => s.SndUna),
        Exact("SndNxt", s => s.SndNxt),
        Exact("InFlightBytes", s => s.InFlightBytes),
        Exact("SndWnd", s => s.SndWnd),

        // While a system call has the socket, the kernel joins what arrives (tcp_add_to_backlog, net/ipv4/tcp_ipv4.c): the first number and the last window remain.
        new("SndWl1", s => s.SndWl1, (m, k, p) => m.SndWl1 >= k.SndWl1 && m.SndWl1 <= p.SndNxt),
        new("MaxWindow", s => s.MaxWindow, (m, k, _) => m.MaxWindow >= k.MaxWindow && k.MaxWindow >= k.SndWnd),
        Exact("RcvNxt", s => s.RcvNxt),
        Exact("RcvWnd", s => s.RcvWnd),
        Exact("RcvWup", s => s.RcvWup),
        Exact("FinReceived", s => s.FinReceived),
        .. Agreed(),
        new("WriteSeq", s => s.WriteSeq, (m, k, _) => m.WriteSeq == k.SndNxt),
        new("CopiedSeq", s => s.CopiedSeq, (m, k, _) => m.CopiedSeq - k.CopiedSeq == k.UnreadBytes),
        new("FinQueued", s => s.FinQueued, (m, k, _) => m.FinQueued == (k.FinQueued && k.SndNxt == k.WriteSeq)),
    ];

    /// <summary>At the interface of the peer's host: what is under way is counted as arrived, or not seen yet.</summary>
    internal static IReadOnlyList<FieldRule> FarHost { get; } =
    [
        .. Agreed(),
        new("SndUna", s => s.SndUna, (m, k, p) => m.SndUna >= k.SndUna && m.SndUna <= k.SndNxt && m.SndUna == p.RcvWup),
        new("SndNxt", s => s.SndNxt, (m, k, p) => m.SndNxt >= k.SndUna && m.SndNxt <= k.SndNxt && m.SndNxt >= p.RcvNxt),
        new("WriteSeq", s => s.WriteSeq, (m, k, _) => m.WriteSeq <= k.SndNxt),
        new("RcvNxt", s => s.RcvNxt, (m, k, p) => m.RcvNxt >= k.RcvNxt && m.RcvNxt == p.SndNxt),
        new("CopiedSeq", s => s.CopiedSeq, (m, k, _) => m.CopiedSeq >= k.CopiedSeq),
        new("RcvWup", s => s.RcvWup, (m, k, p) => m.RcvWup <= k.RcvWup && m.RcvWup == p.SndUna),
        new("RcvWup+RcvWnd", s => Edge(s.RcvWup, s.RcvWnd), (m, k, _) => Edge(m.RcvWup, m.RcvWnd) <= Edge(k.RcvWup, k.RcvWnd)),

        // Both take the windows of one sender by the same rule, but each in its own order: a window on a segment that was sent again counts where it arrives before
        // newer ones. What holds whatever the path does to the order: the sender never takes back an edge that it offered, so neither is beyond its own.
        new("SndUna+SndWnd", s => Edge(s.SndUna, s.SndWnd), (m, k, p) => Edge(m.SndUna, m.SndWnd) <= Edge(p.RcvWup, p.RcvWnd) && Edge(k.SndUna, k.SndWnd) <= Edge(p.RcvWup, p.RcvWnd)),
        new("SndWl1", s => s.SndWl1, (m, _, p) => m.SndWl1 <= p.SndNxt),

        // On a path that reorders, the socket takes windows in the order of arrival: one from a segment that was sent again can count there and not here.
        new("MaxWindow", s => s.MaxWindow, (m, k, _) => m.MaxWindow >= m.SndWnd && m.MaxWindow >= k.SndWnd),
        new("FinQueued", s => s.FinQueued, (m, k, _) => !m.FinQueued || k.FinQueued),
        new("FinReceived", s => s.FinReceived, (m, k, p) => m.FinReceived == (p.FinQueued && p.SndNxt == p.WriteSeq) && (m.FinReceived || !k.FinReceived)),
        new("State", s => s.State, (m, k, p) => m.State == k.State || k.FinQueued || p.FinQueued),
    ];

    /// <summary>Between the hosts: what passed there, no less than what arrived and no more than what was sent.</summary>
    internal static IReadOnlyList<FieldRule> Between { get; } =
    [
        .. Agreed(),
        new("SndUna", s => s.SndUna, (m, k, p) => m.SndUna >= k.SndUna && m.SndUna <= p.RcvWup),
        new("SndNxt", s => s.SndNxt, (m, k, p) => m.SndNxt >= p.RcvNxt && m.SndNxt <= k.SndNxt),
        new("RcvNxt", s => s.RcvNxt, (m, k, p) => m.RcvNxt >= k.RcvNxt && m.RcvNxt <= p.SndNxt),
        new("RcvWup", s => s.RcvWup, (m, k, p) => m.RcvWup >= p.SndUna && m.RcvWup <= k.RcvWup),
        new("RcvWup+RcvWnd", s => Edge(s.RcvWup, s.RcvWnd), (m, k, _) => Edge(m.RcvWup, m.RcvWnd) <= Edge(k.RcvWup, k.RcvWnd)),
        new("SndUna+SndWnd", s => Edge(s.SndUna, s.SndWnd), (m, _, p) => Edge(m.SndUna, m.SndWnd) <= Edge(p.RcvWup, p.RcvWnd)),
        new("FinQueued", s => s.FinQueued, (m, k, _) => !m.FinQueued || k.FinQueued),
        new("FinReceived", s => s.FinReceived, (m, k, p) => (m.FinReceived || !k.FinReceived) && (!m.FinReceived || p.FinQueued)),
        new("State", s => s.State, (m, k, p) => m.State == k.State || k.FinQueued || p.FinQueued),
    ];

    internal static IEnumerable<string> Broken(
        IReadOnlyList<FieldRule> rules, TcpSnapshot kernel, TcpSnapshot model, TcpSnapshot peerKernel, string where) =>
        from rule in rules
        where !rule.Holds(model, kernel, peerKernel)
        select $"{where}: {rule.Field} is {rule.Value(kernel)} in the kernel and {rule.Value(model)} in the model";

    // From both SYNs, which every place on the path sees.
    private static FieldRule[] Agreed() =>
    [
        Exact("MssClamp", s => s.MssClamp),
        Exact("SndWindowScale", s => s.SndWindowScale),
        Exact("RcvWindowScale", s => s.RcvWindowScale),
        Exact("WindowScaling", s => s.WindowScaling),
        Exact("SackPermitted", s => s.SackPermitted),
        Exact("Timestamps", s => s.Timestamps),
    ];

    private static FieldRule Exact(string field, Func<TcpSnapshot, object> value) => new(field, value, (m, k, _) => value(m).Equals(value(k)));

    // A FIN that waits behind unsent data has changed the socket's state, and no segment tells.
    private static TcpState WithoutUnsentFin(TcpSnapshot kernel) => (kernel.SndNxt == kernel.WriteSeq, kernel.State) switch
    {
        (false, TcpState.FinWait1) => TcpState.Established,
        (false, TcpState.LastAck or TcpState.Closing) => TcpState.CloseWait,
        _ => kernel.State,
    };

    private static SequenceNumber Edge(SequenceNumber left, uint window) => left + (int)window;
}
