using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>linux/tcp.h: TCP options, TCP_REPAIR and its structures.</summary>
internal static unsafe partial class Libc
{
    internal const int TCP_NODELAY = 1;
    internal const int TCP_MAXSEG = 2;
    internal const int TCP_CORK = 3;
    internal const int TCP_KEEPIDLE = 4;
    internal const int TCP_KEEPINTVL = 5;
    internal const int TCP_KEEPCNT = 6;
    internal const int TCP_SYNCNT = 7;
    internal const int TCP_LINGER2 = 8;
    internal const int TCP_DEFER_ACCEPT = 9;
    internal const int TCP_WINDOW_CLAMP = 10;
    internal const int TCP_INFO = 11;
    internal const int TCP_QUICKACK = 12;
    internal const int TCP_CONGESTION = 13;
    internal const int TCP_THIN_LINEAR_TIMEOUTS = 16;
    internal const int TCP_USER_TIMEOUT = 18;
    internal const int TCP_REPAIR = 19;
    internal const int TCP_REPAIR_QUEUE = 20;
    internal const int TCP_QUEUE_SEQ = 21;
    internal const int TCP_REPAIR_OPTIONS = 22;
    internal const int TCP_FASTOPEN = 23;
    internal const int TCP_TIMESTAMP = 24;
    internal const int TCP_NOTSENT_LOWAT = 25;
    internal const int TCP_SAVE_SYN = 27;
    internal const int TCP_REPAIR_WINDOW = 29;
    internal const int TCP_FASTOPEN_CONNECT = 30;
    internal const int TCP_ULP = 31;
    internal const int TCP_FASTOPEN_NO_COOKIE = 34;
    internal const int TCP_INQ = 36;
    internal const int TCP_TX_DELAY = 37;
    internal const int TCP_AO_INFO = 40;
    internal const int TCP_IS_MPTCP = 43;
    internal const int TCP_RTO_MAX_MS = 44;
    internal const int TCP_RTO_MIN_US = 45;
    internal const int TCP_DELACK_MAX_US = 46;

    internal const int TCP_REPAIR_ON = 1;

    /// <summary>Leaves repair and sends a window probe.</summary>
    internal const int TCP_REPAIR_OFF = 0;

    /// <summary>Leaves repair and sends nothing.</summary>
    internal const int TCP_REPAIR_OFF_NO_WP = -1;

    internal const int TCP_NO_QUEUE = 0;
    internal const int TCP_RECV_QUEUE = 1;
    internal const int TCP_SEND_QUEUE = 2;

    internal const int TCPOPT_MSS = 2;
    internal const int TCPOPT_WINDOW = 3;
    internal const int TCPOPT_SACK_PERM = 4;
    internal const int TCPOPT_TIMESTAMP = 8;

    internal const byte TCPI_OPT_TIMESTAMPS = 1;
    internal const byte TCPI_OPT_SACK = 2;
    internal const byte TCPI_OPT_WSCALE = 4;
    internal const byte TCPI_OPT_ECN = 8;
    internal const byte TCPI_OPT_USEC_TS = 64;

    [StructLayout(LayoutKind.Sequential)]
    internal struct tcp_repair_opt
    {
        internal uint opt_code;
        internal uint opt_val;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct tcp_repair_window
    {
        internal uint snd_wl1;
        internal uint snd_wnd;
        internal uint max_window;
        internal uint rcv_wnd;
        internal uint rcv_wup;
    }

    /// <summary>
    /// struct tcp_info up to <c>tcpi_rcv_wnd</c> (Linux 6.2). An older kernel fills less and the rest stays 0. Bit-fields are bytes here:
    /// <see cref="tcpi_wscale"/> is snd_wscale in the low and rcv_wscale in the high half.
    /// </summary>
    [StructLayout(LayoutKind.Explicit, Size = 280)]
    internal struct tcp_info
    {
        [FieldOffset(0)] internal byte tcpi_state;
        [FieldOffset(5)] internal byte tcpi_options;
        [FieldOffset(6)] internal byte tcpi_wscale;
        [FieldOffset(8)] internal uint tcpi_rto;
        [FieldOffset(16)] internal uint tcpi_snd_mss;
        [FieldOffset(20)] internal uint tcpi_rcv_mss;
        [FieldOffset(24)] internal uint tcpi_unacked;
        [FieldOffset(28)] internal uint tcpi_sacked;
        [FieldOffset(36)] internal uint tcpi_retrans;
        [FieldOffset(60)] internal uint tcpi_pmtu;
        [FieldOffset(68)] internal uint tcpi_rtt;
        [FieldOffset(72)] internal uint tcpi_rttvar;
        [FieldOffset(76)] internal uint tcpi_snd_ssthresh;
        [FieldOffset(80)] internal uint tcpi_snd_cwnd;
        [FieldOffset(84)] internal uint tcpi_advmss;
        [FieldOffset(100)] internal uint tcpi_total_retrans;
        [FieldOffset(120)] internal ulong tcpi_bytes_acked;
        [FieldOffset(128)] internal ulong tcpi_bytes_received;
        [FieldOffset(136)] internal uint tcpi_segs_out;
        [FieldOffset(140)] internal uint tcpi_segs_in;
        [FieldOffset(144)] internal uint tcpi_notsent_bytes;
        [FieldOffset(148)] internal uint tcpi_min_rtt;
        [FieldOffset(200)] internal ulong tcpi_bytes_sent;
        [FieldOffset(208)] internal ulong tcpi_bytes_retrans;
        [FieldOffset(224)] internal uint tcpi_rcv_ooopack;
        [FieldOffset(228)] internal uint tcpi_snd_wnd;
        [FieldOffset(232)] internal uint tcpi_rcv_wnd;
    }
}
