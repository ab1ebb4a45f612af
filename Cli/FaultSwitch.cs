using Interceptor.Interop;
using Interceptor.Replay;

namespace Interceptor.Cli;

/// <summary>
/// For tests of what a kill leaves behind: <c>before:STEP</c> or <c>after:STEP</c> in the environment makes this process send itself SIGKILL there. The variable has no other use and is
/// in no help.
/// </summary>
internal static class FaultSwitch
{
    internal const string Variable = "INTERCEPTOR_TEST_SIGKILL_SELF";

    /// <summary>Null unless the variable is set.</summary>
    internal static Action<SessionStep, bool>? FromEnvironment() =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } where ? At(where) : null;

    internal static Action<SessionStep, bool> At(string where) => (step, isOver) =>
    {
        if (where == $"{(isOver ? "after" : "before")}:{step.Name}")
        {
            _ = Libc.kill(Environment.ProcessId, Libc.SIGKILL);
        }
    };
}
