using System.Globalization;
using Interceptor.Interop;
using Interceptor.Replay;

namespace Interceptor.Cli;

/// <summary>
/// For tests of what a kill leaves behind: <c>before:STEP</c>, <c>after:STEP</c> or, of a set, <c>closed:NUMBER</c> (of the originals) in the environment makes this process send itself
/// SIGKILL there. The variable has no other use and is in no help.
/// </summary>
internal static class FaultSwitch
{
    internal const string Variable = "INTERCEPTOR_TEST_SIGKILL_SELF";

    /// <summary>Null unless the variable is set.</summary>
    internal static Action<SessionStep, bool>? FromEnvironment() =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } where ? At(where) : null;

    /// <summary>Null unless the variable is set.</summary>
    internal static Action<int>? BetweenClosesFromEnvironment() => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } where
        ? closed => KillIf(where == string.Create(CultureInfo.InvariantCulture, $"closed:{closed}"))
        : null;

    internal static Action<SessionStep, bool> At(string where) => (step, isOver) => KillIf(where == $"{(isOver ? "after" : "before")}:{step.Name}");

    private static void KillIf(bool isHere)
    {
        if (isHere)
        {
            _ = Libc.kill(Environment.ProcessId, Libc.SIGKILL);
        }
    }
}
