using System.Runtime.InteropServices;

namespace Interceptor.Cli;

/// <summary>What the process tells its caller; the numbers are a contract.</summary>
internal static class ExitCode
{
    /// <summary>What was asked for was done; a capture ended by Ctrl-C or its limit is done.</summary>
    internal const int Done = 0;

    /// <summary>The operation failed.</summary>
    internal const int Failed = 1;

    /// <summary>Wrong usage: options, arguments, filter syntax.</summary>
    internal const int Usage = 2;

    /// <summary>A permission or a kernel feature is missing.</summary>
    internal const int Missing = 3;

    /// <summary>A bad input file; what could be read before the damage was printed.</summary>
    internal const int BadInput = 4;

    /// <summary>Done, with differences.</summary>
    internal const int Differences = 5;

    /// <summary>Interrupted before there was a result.</summary>
    internal const int Interrupted = 130;

    /// <summary>Ended by a signal, as a shell tells it.</summary>
    internal static int OfSignal(PosixSignal signal) => 128 + signal switch
    {
        PosixSignal.SIGHUP => 1,
        PosixSignal.SIGINT => 2,
        _ => 15,
    };
}
