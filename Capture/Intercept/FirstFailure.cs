using System.Runtime.ExceptionServices;

namespace Interceptor.Capture.Intercept;

/// <summary>Steps of a tear-down that are all to be done, whatever becomes of the others; the first failure is what is told. Mutable: one variable, not copied.</summary>
internal struct FirstFailure
{
    private ExceptionDispatchInfo? _first;

    /// <summary>True if the step succeeded.</summary>
    internal bool Try(Action step)
    {
        try
        {
            step();
            return true;
        }
#pragma warning disable CA1031 // Thrown on by Throw, behind all steps.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Take(exception);
            return false;
        }
    }

    internal void Take(Exception exception) => _first ??= ExceptionDispatchInfo.Capture(exception);

    internal readonly void Throw() => _first?.Throw();
}
