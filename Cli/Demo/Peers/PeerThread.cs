using System.Net.Sockets;

namespace Interceptor.Cli.Demo.Peers;

/// <summary>Threads of the demo's client and server. A failure on any of them is the failure of the whole process.</summary>
internal static class PeerThread
{
    internal static Thread Start(string name, Action body)
    {
        var thread = new Thread(() =>
        {
            try
            {
                body();
            }
#pragma warning disable CA1031 // The thread's outermost frame: the failure is reported and ends the process.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                PeerMessages.Failed(exception);
                Environment.Exit(ExitCode.Failed);
            }
        })
        { IsBackground = true, Name = name };
        thread.Start();
        return thread;
    }

    internal static void SendAll(Socket socket, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            data = data[socket.Send(data)..];
        }
    }
}
