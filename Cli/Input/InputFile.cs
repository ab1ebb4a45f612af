using Interceptor.Capture.Files;
using Interceptor.Interop;

namespace Interceptor.Cli.Input;

/// <summary>The capture that a command reads.</summary>
internal static class InputFile
{
    /// <summary>Nobody types a capture.</summary>
    /// <exception cref="UsageException">It is to be read from a terminal, or standard input more than once.</exception>
    internal static void Check(params ReadOnlySpan<string> paths)
    {
        int standard = 0;
        foreach (string path in paths)
        {
            standard += path == CaptureFile.StandardStream ? 1 : 0;
        }

        if (standard > 1)
        {
            throw new UsageException("- is standard input, which can be read once: name it once.");
        }

        if (standard == 1 && StandardDescriptor.IsTerminal(StandardDescriptor.Input))
        {
            throw new UsageException("- is standard input, which is the terminal here: send a capture into it, as: tcpdump -w - | interceptor read -");
        }
    }
}
