using System.Net.Sockets;
using System.Runtime.InteropServices;
using Interceptor.Checkpoint;
using Interceptor.Interop;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>Each option that is saved is set to something else than its default, and read back on the restored socket.</summary>
public sealed class SocketOptionTests
{
    private const int SIGURG = 23;

    /// <summary>return 0xffff: lets everything through.</summary>
    private static readonly int[] PassAll = [0x06, 0xffff];

    private static readonly Dictionary<string, int[]> Values = new()
    {
        ["SO_MARK"] = [5],
        ["SO_PRIORITY"] = [4],
        ["IP_TRANSPARENT"] = [1],
        ["IP_FREEBIND"] = [1],
        ["IPV6_TRANSPARENT"] = [1],
        ["IPV6_FREEBIND"] = [1],
        ["SO_DONTROUTE"] = [1],
        ["TCP_RTO_MAX_MS"] = [5_000],
        ["TCP_RTO_MIN_US"] = [40_000],
        ["SO_REUSEADDR"] = [1],
        ["SO_REUSEPORT"] = [1],
        ["SO_KEEPALIVE"] = [1],
        ["SO_LINGER"] = [1, 5],
        ["SO_OOBINLINE"] = [1],
        ["SO_RCVLOWAT"] = [100],
        ["SO_RCVTIMEO"] = [2, 0, 500_000, 0],
        ["SO_SNDTIMEO"] = [3, 0, 200_000, 0],
        ["SO_BUSY_POLL"] = [50],
        ["SO_MAX_PACING_RATE"] = [100_000_000, 0],
        ["SO_LOCK_FILTER"] = [1],
        ["SO_ZEROCOPY"] = [1],
        ["IP_TOS"] = [0x10],
        ["IP_TTL"] = [33],
        ["IP_MTU_DISCOVER"] = [0],
        ["IP_RECVERR"] = [1],
        ["IP_MINTTL"] = [2],
        ["IP_BIND_ADDRESS_NO_PORT"] = [1],
        ["IPV6_UNICAST_HOPS"] = [33],
        ["IPV6_MTU_DISCOVER"] = [0],
        ["IPV6_RECVERR"] = [1],
        ["IPV6_TCLASS"] = [0x20],
        ["IPV6_MINHOPCOUNT"] = [2],
        ["IPV6_AUTOFLOWLABEL"] = [0],
        ["IPV6_FLOWINFO_SEND"] = [1],
        ["TCP_NODELAY"] = [1],
        ["TCP_KEEPIDLE"] = [77],
        ["TCP_KEEPINTVL"] = [11],
        ["TCP_KEEPCNT"] = [4],
        ["TCP_SYNCNT"] = [3],
        ["TCP_LINGER2"] = [30],
        ["TCP_DEFER_ACCEPT"] = [3],
        ["TCP_SAVE_SYN"] = [1],
        ["TCP_WINDOW_CLAMP"] = [20_000],
        ["TCP_THIN_LINEAR_TIMEOUTS"] = [1],
        ["TCP_USER_TIMEOUT"] = [12_345],
        ["TCP_NOTSENT_LOWAT"] = [4_096],
        ["TCP_INQ"] = [1],
        ["TCP_TX_DELAY"] = [1_000],
        ["TCP_DELACK_MAX_US"] = [20_000],
        ["TCP_CORK"] = [1],
    };

    /// <summary>Decided when the socket is bound; its two values are those of the two IPv6 families of the tests.</summary>
    private static readonly string[] FromTheStart = ["IPV6_V6ONLY"];

    /// <summary>Of listening sockets alone: see <see cref="EarlyStateTests"/>.</summary>
    private static readonly string[] OfListeners = ["TCP_FASTOPEN", "TCP_FASTOPEN_NO_COOKIE"];

    /// <summary>Told by the kernel's own choice of acknowledging; set to what it is not.</summary>
    private const string QuickAck = "TCP_QUICKACK";

    [Fact]
    public void Every_option_of_the_table_is_proven() => Assert.Equal(
        SocketOptionTable.All.Select(option => option.Name).Order(StringComparer.Ordinal),
        Values.Keys.Concat(FromTheStart).Concat(OfListeners).Append(QuickAck).Order(StringComparer.Ordinal));

    [Theory]
    [InlineData(LinkFamily.Ipv4)]
    [InlineData(LinkFamily.Ipv6)]
    [InlineData(LinkFamily.Mapped)]
    public void An_option_is_on_the_restored_socket_as_it_was_set(LinkFamily family)
    {
        using var link = new TcpLink(family: family);
        bool isIpv6Socket = family != LinkFamily.Ipv4;
        using (FileDescriptor original = RestoreTests.Duplicate(link.Server))
        {
            Assert.Equal(0, SocketFilter.Attach(original, PassAll));
            foreach (SocketOption option in SocketOptionTable.All.Where(option => option.AppliesTo(isIpv6Socket) && Values.ContainsKey(option.Name)))
            {
                int errno = NativeSocket.TrySet(original, option.Level, option.Number, MemoryMarshal.AsBytes(Values[option.Name].AsSpan()));
                Assert.True(errno == 0, $"{option.Name}: error {errno}");
            }

            int quick = NativeSocket.GetInt(original, Libc.IPPROTO_TCP, Libc.TCP_QUICKACK, "getsockopt", QuickAck);
            NativeSocket.SetInt(original, Libc.IPPROTO_TCP, Libc.TCP_QUICKACK, 1 - quick, "setsockopt", QuickAck);
        }

        (SessionImage image, Socket restored) = link.Move();
        using (restored)
        {
            using FileDescriptor descriptor = RestoreTests.Duplicate(restored);
            SocketSettings after = SocketSettingsIo.Read(descriptor, isIpv6Socket, "the restored socket");
            Assert.Equal(RestoreTests.Show(image.Settings with { NonBlocking = false }), RestoreTests.Show(after));
            foreach (SocketOption option in SocketOptionTable.All.Where(option => option.AppliesTo(isIpv6Socket) && Values.ContainsKey(option.Name)))
            {
                Assert.True(Values[option.Name].AsSpan().SequenceEqual(after.Options[option.Name]), $"{option.Name}: {string.Join(',', after.Options[option.Name])}");
            }

            Assert.Equal(PassAll, after.Filter);
        }
    }

    [Theory]
    [InlineData("reno")]
    [InlineData("cubic")]
    [InlineData("bbr")]
    public void Congestion_control_is_the_same(string name)
    {
        using var link = new TcpLink();
        using (FileDescriptor original = RestoreTests.Duplicate(link.Server))
        {
            Assert.SkipUnless(
                NativeSocket.TrySet(original, Libc.IPPROTO_TCP, Libc.TCP_CONGESTION, System.Text.Encoding.ASCII.GetBytes(name)) == 0, $"This kernel has no {name}.");
        }

        (_, Socket restored) = link.Move();
        using (restored)
        {
            using FileDescriptor descriptor = RestoreTests.Duplicate(restored);
            Assert.Equal(name, SocketSettingsIo.ReadName(descriptor, Libc.IPPROTO_TCP, Libc.TCP_CONGESTION));
        }
    }

    [Fact]
    public void Who_is_told_by_a_signal_is_told_by_the_restored_file()
    {
        using var link = new TcpLink();
        using (FileDescriptor original = RestoreTests.Duplicate(link.Server))
        {
            Assert.Equal(0, NativeSocket.TryControl(original, Libc.F_SETOWN, Environment.ProcessId));
            Assert.Equal(0, NativeSocket.TryControl(original, Libc.F_SETSIG, SIGURG));
            NativeSocket.SetFileFlags(original, NativeSocket.GetFileFlags(original, "original") | Libc.O_ASYNC, "original");
        }

        (SessionImage image, Socket restored) = link.Move();
        using (restored)
        {
            using FileDescriptor descriptor = RestoreTests.Duplicate(restored);
            SocketSettings after = SocketSettingsIo.Read(descriptor, isIpv6Socket: false, "the restored socket", Environment.ProcessId);
            Assert.True(image.Settings is { Asynchronous: true, Signal: SIGURG, SignalsOwner: true });
            Assert.True(after is { Asynchronous: true, Signal: SIGURG, SignalsOwner: true }, after.ToString());
        }
    }
}
