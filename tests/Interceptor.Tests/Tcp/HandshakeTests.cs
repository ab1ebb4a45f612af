using Interceptor.Tcp;
using Interceptor.Testing.Tcp;

namespace Interceptor.Tests.Tcp;

public sealed class HandshakeTests
{
    [Fact]
    public void A_handshake_takes_both_ends_to_established() => TrackerScript.Run("""
        +0  > S  0:0(0) win 64240 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>
        +0  ? State=SYN-SENT peer.State=SYN-RECEIVED SndUna=0 SndNxt=1 QueuedBytes=0 Client=local
        +.1 < S. 0:0(0) ack 1 win 65160 <mss 1400,sackOK,TS val 900 ecr 100,nop,wscale 5>
        +0  ? State=ESTABLISHED peer.State=SYN-RECEIVED SndUna=1 RcvNxt=1 SndWnd=65160 RttMs=100
        +0  > .  1:1(0) ack 1 win 502 <nop,nop,TS val 101 ecr 900>
        +0  ? peer.State=ESTABLISHED peer.SndUna=1 peer.SndWnd=64256 peer.MaxWindow=64256 RcvWnd=64256 RcvWup=1
        +0  ? MssClamp=1400 peer.MssClamp=1460 SndWindowScale=5 RcvWindowScale=7 SackPermitted=1 Timestamps=1
        +0  ? Opening=Handshake Closing=Open Confidence=Exact Iss=0 peer.Iss=0 Connections=1
        """);

    [Fact]
    public void A_repeated_SYN_with_the_same_number_is_the_same_connection() => TrackerScript.Run("""
        +0 > S  0:0(0) win 64240 <mss 1460>
        +1 > S  0:0(0) win 64240 <mss 1460>
        +0 ? Connections=1 Syn=2 Retransmissions=1 State=SYN-SENT
        +0 < S. 0:0(0) ack 1 win 65160 <mss 1460>
        +0 ? State=ESTABLISHED RttSamples=0
        """);

    [Fact]
    public void A_SYN_with_another_number_is_another_connection() => TrackerScript.Run("""
        +0 > S  0:0(0) win 64240
        +0 < S. 0:0(0) ack 1 win 65160
        +0 > .  1:1(0) ack 1 win 502
        +9 > S  500000:500000(0) win 64240
        +0 ? Connections=2 State=SYN-SENT Iss=500000 Packets=1
        +0 < R. 0:0(0) ack 500001 win 0
        +0 ? Connections=2 State=CLOSED peer.State=CLOSED Closing=Reset
        """);

    [Fact]
    public void Both_ends_may_open_at_once() => TrackerScript.Run("""
        +0  > S  0:0(0) win 64240 <mss 1460>
        +0  < S  0:0(0) win 65160 <mss 1460>
        +0  ? State=SYN-RECEIVED peer.State=SYN-RECEIVED Connections=1 Client=local
        +.1 > S. 0:0(0) ack 1 win 64240 <mss 1460>
        +0  < S. 0:0(0) ack 1 win 65160 <mss 1460>
        +0  ? State=ESTABLISHED peer.State=ESTABLISHED SndUna=1 peer.SndUna=1 RcvNxt=1 peer.RcvNxt=1
        +0  ? Syn=2 peer.Syn=2 Retransmissions=0 peer.Retransmissions=0
        +1  > S. 0:0(0) ack 1 win 64240 <mss 1460>
        +0  ? Syn=3 Retransmissions=1
        """);

    [Fact]
    public void The_sender_of_a_SYN_ACK_is_the_server_even_if_it_comes_first() => TrackerScript.Run("""
        +0 < S. 0:0(0) ack 1 win 65160 <mss 1460>
        +0 ? Client=local peer.State=SYN-RECEIVED State=ESTABLISHED Opening=Handshake
        +0 > S  0:0(0) win 64240 <mss 1460>
        +0 ? Connections=1 Client=local
        """);

    [Fact]
    public void A_refused_connection_is_reset() => TrackerScript.Run("""
        +0 > S  0:0(0) win 64240
        +0 < R. 0:0(0) ack 1 win 0
        +0 ? State=CLOSED peer.State=CLOSED Closing=Reset peer.Rst=1
        """);

    [Fact]
    public void Data_on_a_SYN_starts_behind_it() => TrackerScript.Run("""
        +0 > S  0:10(10) win 64240 <mss 1460>
        +0 ? StreamBytes=10 SndNxt=11 peer.RcvNxt=11 MissingBytes=0
        +0 < S. 0:0(0) ack 11 win 65160 <mss 1460>
        +0 > P. 11:21(10) ack 1 win 64240
        +0 ? SndUna=11 StreamBytes=20 Pattern=same peer.RcvNxt=21
        """);

    [Fact]
    public void Without_the_peers_scale_windows_are_not_scaled() => TrackerScript.Run("""
        +0 > S  0:0(0) win 64240 <mss 1460,wscale 7>
        +0 < S. 0:0(0) ack 1 win 8000 <mss 1460>
        +0 > .  1:1(0) ack 1 win 502
        +0 ? RcvWnd=502 SndWnd=8000 SndWindowScale=0 RcvWindowScale=0
        """);

    [Fact]
    public void A_shift_above_14_counts_as_14() => TrackerScript.Run("""
        +0 > S  0:0(0) win 64240 <wscale 200>
        +0 < S. 0:0(0) ack 1 win 8000 <wscale 1>
        +0 > .  1:1(0) ack 1 win 1
        +0 ? RcvWnd=16384 RcvWindowScale=14
        """);

    [Fact]
    public void The_state_table_is_as_reviewed() => Testing.GoldenFile.Verify("tcp-transitions.txt", TcpTransitions.Describe());
}
