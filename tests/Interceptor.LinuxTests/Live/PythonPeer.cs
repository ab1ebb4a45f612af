using System.Diagnostics;
using System.Globalization;
using Interceptor.Interop;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

/// <summary>
/// A process of its own that does what it is told, a Python statement a line, and answers each with a line: sockets of another process, without a guess when.
/// Its prelude has the modules socket and os, and <c>s</c> for a socket.
/// </summary>
internal sealed class PythonPeer : IDisposable
{
    private const string Loop = """
        import os, socket, sys
        for line in sys.stdin:
            try:
                exec(line, globals())
                print(repr(globals().pop('answer', None)), flush=True)
            except Exception as e:
                print('error: ' + repr(e), flush=True)
        """;

    private readonly Process _process;

    /// <summary>Starts it in a namespace.</summary>
    /// <param name="where">The namespace.</param>
    /// <param name="prefix">A program that starts it, as setpriv, with that program's arguments.</param>
    internal PythonPeer(NetworkNamespace where, params string[] prefix)
    {
        KernelTest.RequireTool("python3");
        string[] command = [.. prefix, Interpreter, "-c", Loop];
        _process = ChildProcess.Start(where, command[0], command[1..]);
        Pid = int.Parse(Tell("answer = os.getpid()"), CultureInfo.InvariantCulture);
    }

    /// <summary>The program itself: what PATH has may be a script that starts it.</summary>
    private static string Interpreter { get; } = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";

    internal int Pid { get; }

    /// <summary>Runs a statement; returns what it left in <c>answer</c>, as Python writes it.</summary>
    internal string Tell(string statement)
    {
        _process.StandardInput.WriteLine(statement);
        _process.StandardInput.Flush();
        string line = _process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)).GetAwaiter().GetResult()
            ?? throw new InvalidOperationException(_process.StandardError.ReadToEnd());
        return line.StartsWith("error: ", StringComparison.Ordinal) ? throw new InvalidOperationException($"{statement}: {line}") : line;
    }

    /// <summary>Makes <c>s</c> a datagram socket on an address and returns its port.</summary>
    internal ushort BindUdp(string address = "127.0.0.1", int port = 0) => Open("SOCK_DGRAM", address, port, "");

    /// <summary>Makes <c>s</c> a listening socket on an address and returns its port.</summary>
    internal ushort Listen(string address = "127.0.0.1", int port = 0) => Open("SOCK_STREAM", address, port, "; s.listen(8)");

    /// <summary>Makes <c>s</c> a connection and returns its local port.</summary>
    internal ushort Connect(string address, int port) =>
        ushort.Parse(Tell($"s = socket.create_connection(('{address}', {port})); answer = s.getsockname()[1]"), CultureInfo.InvariantCulture);

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private ushort Open(string type, string address, int port, string then)
    {
        string family = address.Contains(':') ? "AF_INET6" : "AF_INET";
        return ushort.Parse(
            Tell($"s = socket.socket(socket.{family}, socket.{type}); s.bind(('{address}', {port})){then}; answer = s.getsockname()[1]"), CultureInfo.InvariantCulture);
    }
}
