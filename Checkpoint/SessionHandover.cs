using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Interceptor.Interop;

namespace Interceptor.Checkpoint;

/// <summary>
/// Gives a connection to another process that runs already and waits at a Unix socket: the descriptor goes along with a line of text (SCM_RIGHTS). The giver connects first,
/// while nothing is changed yet; the taker listens, and calls <see cref="Take"/> on what it accepted.
/// <para>Threads: one at a time.</para>
/// </summary>
public sealed class SessionHandover : IDisposable
{
    private const string Step = "hand over";
    private const int MostLineBytes = 64 * 1024;
    private readonly FileDescriptor _channel;
    private readonly string _name;

    private SessionHandover(FileDescriptor channel, string name)
    {
        _channel = channel;
        _name = name;
    }

    /// <summary>Connects to the process that is to have the connection.</summary>
    /// <param name="name">The path of its socket, or an abstract name with <c>@</c> before it.</param>
    /// <exception cref="CheckpointException">Nobody listens there, or it may not be connected to.</exception>
    public static SessionHandover Connect(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        try
        {
            return new SessionHandover(UnixSocket.Connect(name), name);
        }
        catch (Exception exception) when (exception is LinuxException or ArgumentException)
        {
            throw new CheckpointException(
                Step, $"{exception.Message} The program that is to have the connection must be listening there (a Unix stream socket) already.",
                CheckpointException.NothingChanged, cause: exception);
        }
    }

    /// <summary>
    /// Sends the connection and a line, and waits until the other process has read both. Then it has the connection, and whoever called this may close its own descriptor.
    /// </summary>
    /// <param name="connection">What is handed over; stays the caller's.</param>
    /// <param name="line">One line of text; its end is added.</param>
    /// <param name="patience">How long to wait for the other process.</param>
    /// <exception cref="CheckpointException">It closed its end without reading, or did not read in time. The connection is still the caller's; the other process may have a descriptor of it, too.</exception>
    public void Give(SafeHandle connection, string line, TimeSpan patience)
    {
        Send(connection, line);
        try
        {
            long limit = Environment.TickCount64 + (long)patience.TotalMilliseconds;
            while (!IsRead())
            {
                if (Environment.TickCount64 > limit)
                {
                    throw Failed($"the program at {_name} has not read the connection that it was sent within {patience.TotalSeconds:0.#} s.");
                }

                // The kernel tells nobody when the last byte is read.
                Thread.Sleep(1);
            }
        }
        catch (LinuxException exception)
        {
            throw Failed($"the program at {_name} did not take the connection: {exception.Message}", exception);
        }
    }

    /// <summary>Sends the connection and a line, and does not wait for who reads them: for the inside of a freeze, where the other process is known to wait.</summary>
    /// <param name="connection">What is handed over; stays the caller's.</param>
    /// <param name="line">One line of text; its end is added.</param>
    /// <exception cref="CheckpointException">The other process closed its end.</exception>
    public void Send(SafeHandle connection, string line)
    {
        byte[] text = Encoding.UTF8.GetBytes(line + '\n');
        try
        {
            for (int sent = DescriptorPassing.Send(_channel, connection, text); sent < text.Length; sent += SendRest(text.AsSpan(sent)))
            {
            }
        }
        catch (LinuxException exception)
        {
            throw Failed($"the program at {_name} did not take the connection: {exception.Message}", exception);
        }
    }

    /// <summary>The taker's side: waits for a connection and its line.</summary>
    /// <param name="channel">What accept returned; stays the caller's.</param>
    /// <param name="line">The line, without its end.</param>
    /// <returns>The connection, the caller's; null if the other side closed without sending one.</returns>
    public static Socket? Take(Socket channel, out string line)
    {
        ArgumentNullException.ThrowIfNull(channel);
        channel.Blocking = true;
        FileDescriptor from = FileDescriptor.Borrow((int)channel.Handle);
        var text = new byte[MostLineBytes];
        FileDescriptor? connection = DescriptorPassing.Receive(from, text, out int length);
        while (connection is not null && length < text.Length && text.AsSpan(0, length).IndexOf((byte)'\n') < 0
            && NativeSocket.TryReceive(from, text.AsSpan(length), 0) is > 0 and int more)
        {
            length += more;
        }

        GC.KeepAlive(channel);
        line = Encoding.UTF8.GetString(text, 0, length).TrimEnd('\n');
        return connection is null ? null : RestoredSocket.ToSocket(connection);
    }

    /// <summary>Closes this side of the channel.</summary>
    public void Dispose() => _channel.Dispose();

    private int SendRest(ReadOnlySpan<byte> rest)
    {
        int count = NativeSocket.TrySend(_channel, rest, 0);
        return count >= 0 ? count : throw new LinuxException(-count, "send", _name);
    }

    /// <summary>What is not read yet is counted with us; an end that is closed with something unread is an error of ours.</summary>
    private bool IsRead()
    {
        int unread = NativeSocket.IoctlInt(_channel, Libc.SIOCOUTQ, "ioctl(SIOCOUTQ)", _name);
        int errno = NativeSocket.TakeError(_channel);
        return errno == 0 ? unread == 0 : throw new LinuxException(errno, "read", _name, "It closed its socket first.");
    }

    private static CheckpointException Failed(string problem, Exception? cause = null) => new(Step, problem, "", cause: cause);
}
