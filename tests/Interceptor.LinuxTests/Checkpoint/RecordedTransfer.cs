using System.Net.Sockets;
using Interceptor.Capture.Intercept;
using Interceptor.LinuxTests.Tcp;
using Interceptor.Tcp;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>One of many transfers, told by its number: what both ends do until the cut, and over what network.</summary>
internal sealed record RecordedTransfer(int Number)
{
    private static readonly string[] AllOptions = ["all options", "no timestamps", "no SACK", "no window scaling", "small windows"];

    /// <summary>The end that is rebuilt opened the connection.</summary>
    internal bool IsClient => Number / 2 % 2 == 0;

    internal AddressFamily Family => Number % 2 == 0 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;

    internal string Options => AllOptions[Number % AllOptions.Length];

    /// <summary>The application at the end that is rebuilt leaves something unread.</summary>
    internal bool ReadsSlowly => Number % 4 == 1;

    /// <summary>The peer reads nothing: the window fills and closes.</summary>
    internal bool PeerStops => Number % 9 == 2 && Ending == TcpState.Established;

    /// <summary>The state in which the cut finds the end that is rebuilt.</summary>
    internal TcpState Ending => (Number % 14) switch
    {
        3 or 10 => TcpState.CloseWait,
        4 => TcpState.FinWait1,
        6 => TcpState.LastAck,
        11 => TcpState.FinWait2,
        13 => TcpState.Closing,
        _ => TcpState.Established,
    };

    /// <summary>The peer's first segment of the last round is lost, so that what follows waits behind a gap.</summary>
    internal bool HasGap => Number % 6 == 5 && Ending == TcpState.Established;

    internal int OwnBytes => Number % 5 == 3 ? 0 : 60_000 + (Number * 7_919 % 300_000);

    internal int PeerBytes => Number % 5 == 4 && !HasGap ? 0 : 60_000 + (Number * 10_007 % 300_000);

    /// <summary>What of each stream goes through before the cut, of 1.</summary>
    internal double Part { get; } = 0.1 + (new Random(Number).NextDouble() * 0.4);

    internal ImpairmentOptions? Network => (Number % 3) switch
    {
        0 => null,
        1 => new ImpairmentOptions { Loss = 0.02, Delay = TimeSpan.FromMilliseconds(2), Seed = (ulong)Number },
        _ => new ImpairmentOptions { Delay = TimeSpan.FromMilliseconds(2), Jitter = TimeSpan.FromMilliseconds(2), Seed = (ulong)Number },
    };

    internal TruthLabOptions LabOptions(string directory) => new()
    {
        Family = Family,
        Impairments = Network,
        RecordDirectory = directory,
        Settings = Options switch
        {
            "no timestamps" => new Dictionary<string, string> { ["tcp_timestamps"] = "0" },
            "no SACK" => new Dictionary<string, string> { ["tcp_sack"] = "0" },
            "no window scaling" => new Dictionary<string, string> { ["tcp_window_scaling"] = "0" },
            "small windows" => new Dictionary<string, string> { ["tcp_rmem"] = "4096 40000 200000" },
            _ => [],
        },
    };

    /// <inheritdoc/>
    public override string ToString() =>
        $"transfer {Number}: {(IsClient ? "client" : "server")}, {Family}, {Options}, {(Network is null ? "clean" : Network.Loss > 0 ? "loss" : "reordering")}, "
        + $"{OwnBytes} out, {PeerBytes} in{(ReadsSlowly ? ", reads slowly" : "")}{(PeerStops ? ", peer stops reading" : "")}{(HasGap ? ", gap" : "")}";
}
