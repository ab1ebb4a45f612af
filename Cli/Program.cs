using System.CommandLine;

namespace Interceptor.Cli;

internal static class Program
{
    /// <summary>How long a stopping command may take to release what it holds and remove its rules.</summary>
    private static readonly TimeSpan TearDownTime = TimeSpan.FromSeconds(30);

    private static int Main(string[] args)
    {
        RootCommand root = CommandTree.Build();
        ParseResult parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = true });
        if (parsed.Errors.Count > 0)
        {
            foreach (string message in parsed.Errors.Select(error => error.Message).Distinct())
            {
                Console.Error.WriteLine($"interceptor: {Output.Printable.Escape(message)}");
            }

            Console.Error.WriteLine($"Try: {CommandTree.PathOf(parsed.CommandResult)} --help");
            return ExitCode.Usage;
        }

        return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TearDownTime });
    }
}
