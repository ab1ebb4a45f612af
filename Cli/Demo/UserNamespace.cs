using System.Diagnostics;
using Interceptor.Interop;

namespace Interceptor.Cli.Demo;

/// <summary>
/// Running without root: the same command again inside a new user namespace, where we are root over namespaces of our own and nothing else.
/// </summary>
internal static class UserNamespace
{
    private const string Remedy =
        "Run it as root (sudo ./interceptor demo restore), or allow unprivileged user namespaces "
        + "(sysctl -w user.max_user_namespaces=10000, and where they exist kernel.unprivileged_userns_clone=1 and "
        + "kernel.apparmor_restrict_unprivileged_userns=0).";

    /// <summary>Set in the second process, so that a refusal there is not answered with a third.</summary>
    private const string InsideVariable = "INTERCEPTOR_DEMO_INSIDE";

    private static readonly string[] Unshare = ["--user", "--map-root-user", "--net", "--mount", "--"];

    /// <summary>True in any user namespace but the machine's first, which maps every id to itself.</summary>
    internal static bool IsInside => !File.ReadAllText("/proc/self/uid_map").Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .SequenceEqual(["0", "0", $"{uint.MaxValue}"]);

    /// <summary>True where we may not make network namespaces by ourselves, and have not tried this way yet.</summary>
    internal static bool IsNeeded()
    {
        if (Environment.GetEnvironmentVariable(InsideVariable) is not null)
        {
            return false;
        }

        try
        {
            NetworkNamespace.Create("probe").Dispose();
            return false;
        }
        catch (LinuxException exception) when (exception.IsPermission)
        {
            return true;
        }
    }

    /// <summary>Runs this program inside, its streams being ours, and gives its exit code. Ctrl-C reaches it by itself.</summary>
    /// <exception cref="MissingFeatureException">The machine does not allow it.</exception>
    internal static int Run(IEnumerable<string> arguments, CancellationToken stop)
    {
        (int code, string error) = RunUnshare(["true"], redirect: true, CancellationToken.None);
        if (code != 0)
        {
            throw new MissingFeatureException(
                $"the demo makes network namespaces, which needs root or an unprivileged user namespace, and this machine refused both: {error.Trim()}. {Remedy}");
        }

        return RunUnshare([.. SelfProgram.Command(), .. arguments], redirect: false, stop).ExitCode;
    }

    private static (int ExitCode, string Error) RunUnshare(string[] command, bool redirect, CancellationToken stop)
    {
        var start = new ProcessStartInfo("unshare", [.. Unshare, .. command]) { RedirectStandardError = redirect };
        start.Environment[InsideVariable] = "1";
        try
        {
            using Process process = Process.Start(start) ?? throw new DemoException("unshare did not start.");

            // A SIGTERM sent to us alone has to be passed on; the process inside then cleans up and ends.
            using CancellationTokenRegistration passing = stop.Register(() => ChildSignal.Terminate(process));
            string error = redirect ? process.StandardError.ReadToEnd() : "";
            process.WaitForExit();
            return (process.ExitCode, error);
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new MissingFeatureException($"the tool unshare can't be started: {exception.Message}. Install it with: apt-get install -y util-linux.");
        }
    }
}
