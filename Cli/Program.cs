using System.CommandLine;
using System.Text;
using Interceptor.Cli.Input;
using Interceptor.Interop;

namespace Interceptor.Cli;

internal static class Program
{
    /// <summary>How long a stopping command may take to release what it holds and remove its rules.</summary>
    private static readonly TimeSpan TearDownTime = TimeSpan.FromSeconds(30);

    private static int Main(string[] args)
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        Console.SetError(TextWriter.Synchronized(new StreamWriter(new StandardErrorStream(), utf8) { AutoFlush = true }));
        RootCommand root = CommandTree.Build();
        bool isEmpty = args.Length == 0;
        if (isEmpty || args[0] == "help")
        {
            // As git and ip do it: without a command the list of them, on standard error and with the code of a mistake.
            args = isEmpty ? ["--help"] : [.. args[1..], "--help"];
        }

        ParseResult parsed = root.Parse(Rewriting.SelectionArguments.WithWindow(args), new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = true });
        IReadOnlyList<string> mistakes = UsageMistakes.Of(parsed);
        if (mistakes.Count > 0)
        {
            foreach (string mistake in mistakes)
            {
                Console.Error.WriteLine($"interceptor: {Output.Printable.Escape(mistake)}");
            }

            Console.Error.WriteLine($"Try: {CommandTree.PathOf(parsed.CommandResult)} --help");
            return ExitCode.Usage;
        }

        // What goes to standard output outside a command's body is help, and comes in small pieces.
        using var help = new StringWriter();
        int code = parsed.Invoke(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = TearDownTime,
            Output = isEmpty ? Console.Error : help,
        });
        return isEmpty ? ExitCode.Usage : WriteHelp(utf8.GetBytes(help.ToString()), code);
    }

    private static int WriteHelp(byte[] text, int code)
    {
        try
        {
            using var output = new StandardOutputStream();
            output.Write(text);
            return code;
        }
        catch (LinuxException exception) when (exception.Errno == Errno.EPIPE)
        {
            return ExitCode.Done;
        }
        catch (LinuxException exception)
        {
            Console.Error.WriteLine($"interceptor: {exception.Message}");
            return ExitCode.Failed;
        }
    }
}
