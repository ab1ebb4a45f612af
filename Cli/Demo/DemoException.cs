namespace Interceptor.Cli.Demo;

/// <summary>The demo could not be carried through; the message says what went wrong.</summary>
internal sealed class DemoException : Exception
{
    internal DemoException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
