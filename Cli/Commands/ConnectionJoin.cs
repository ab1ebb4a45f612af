using Interceptor.Interop;

namespace Interceptor.Cli.Commands;

/// <summary>Joins a connection to standard input and output until its peer closes; the end of standard input closes our direction only.</summary>
internal static class ConnectionJoin
{
    private const int BufferLength = 64 * 1024;
    private const int PollMilliseconds = 200;

    internal static int Run(FileDescriptor connection, CancellationToken stop)
    {
        using Stream input = Console.OpenStandardInput();
        using Stream output = Console.OpenStandardOutput();
        var writer = new Thread(() => CopyToConnection(input, connection)) { IsBackground = true, Name = "standard input" };
        writer.Start();
        var buffer = new byte[BufferLength];
        while (!stop.IsCancellationRequested)
        {
            if (NativeSocket.Poll(connection, Libc.POLLIN, PollMilliseconds) == 0)
            {
                continue;
            }

            int count = NativeSocket.TryReceive(connection, buffer, Libc.MSG_DONTWAIT);
            if (count == 0)
            {
                return ExitCode.Done;
            }

            if (count > 0)
            {
                output.Write(buffer, 0, count);
                output.Flush();
            }
            else if (count != -Errno.EAGAIN)
            {
                throw new LinuxException(-count, "recv", "the restored connection");
            }
        }

        return ExitCode.Done;
    }

    private static void CopyToConnection(Stream input, FileDescriptor connection)
    {
        var buffer = new byte[BufferLength];
        try
        {
            int length;
            while ((length = input.Read(buffer)) > 0)
            {
                for (int at = 0; at < length;)
                {
                    int count = NativeSocket.TrySend(connection, buffer.AsSpan(at, length - at), Libc.MSG_DONTWAIT);
                    if (count == -Errno.EAGAIN)
                    {
                        NativeSocket.Poll(connection, Libc.POLLOUT, PollMilliseconds);
                        continue;
                    }

                    if (count < 0)
                    {
                        return;
                    }

                    at += count;
                }
            }

            NativeSocket.ShutdownSend(connection);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The connection is gone, which the reading side reports.
        }
    }
}
