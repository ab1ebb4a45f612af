using System.Globalization;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>Finds which descriptor of a process is a given TCP connection. Reads /proc only; changes nothing. Any thread.</summary>
public static class SocketFinder
{
    private const string Step = "find";

    /// <summary>The connection's descriptor in the process.</summary>
    /// <exception cref="CheckpointException">
    /// No such process or connection (the message lists those there are), the process's descriptors may not be read, or another process has the
    /// same socket open, which would go on using it.
    /// </exception>
    public static SocketOwner Find(int pid, FlowEndpoint local, FlowEndpoint peer)
    {
        Dictionary<long, int> descriptors = ReadDescriptors(pid);
        List<TcpSocketRow> rows = TcpSocketTable.Read(pid);
        foreach (TcpSocketRow row in rows)
        {
            if (row.Local == local && row.Peer == peer && descriptors.TryGetValue(row.Inode, out int descriptor))
            {
                RefuseOtherOwners(pid, row);
                return new SocketOwner(pid, descriptor, row.Inode, local, peer);
            }
        }

        string present = Describe(rows.Where(row => descriptors.ContainsKey(row.Inode) && row.State != TcpState.Listen));
        string elsewhere = rows.Any(row => row.Local == local && row.Peer == peer)
            ? " The connection exists, and another process (or none) has it." : "";
        throw new CheckpointException(
            Step, $"process {pid} has no TCP connection {local}-{peer}.{elsewhere} {present}",
            CheckpointException.NothingChanged, CheckpointFailure.NotFound);
    }

    /// <summary>Every TCP connection that the process has open, without listening sockets.</summary>
    /// <exception cref="CheckpointException">No such process, or its descriptors may not be read.</exception>
    public static IReadOnlyList<SocketOwner> List(int pid)
    {
        Dictionary<long, int> descriptors = ReadDescriptors(pid);
        return [.. TcpSocketTable.Read(pid)
            .Where(row => row.State != TcpState.Listen && descriptors.ContainsKey(row.Inode))
            .Select(row => new SocketOwner(pid, descriptors[row.Inode], row.Inode, row.Local, row.Peer))];
    }

    private static string Describe(IEnumerable<TcpSocketRow> rows)
    {
        string[] lines = [.. rows.Take(32).Select(row => $"{row.Local}-{row.Peer} {row.State.ToRfcName()}")];
        return lines.Length == 0 ? "It has no TCP connections at all." : $"Its TCP connections are: {string.Join(", ", lines)}.";
    }

    /// <summary>Socket inode to descriptor; of several descriptors for one socket, the lowest.</summary>
    private static Dictionary<long, int> ReadDescriptors(int pid)
    {
        var descriptors = new Dictionary<long, int>();
        try
        {
            foreach (string link in Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd"))
            {
                if (TryReadSocketInode(link, out long inode)
                    && int.TryParse(Path.GetFileName(link.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                    && (!descriptors.TryGetValue(inode, out int other) || number < other))
                {
                    descriptors[inode] = number;
                }
            }
        }
        catch (DirectoryNotFoundException exception)
        {
            throw new CheckpointException(
                Step, $"there is no process {pid}.", CheckpointException.NothingChanged, CheckpointFailure.NotFound, exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new CheckpointException(
                Step, $"the descriptors of process {pid} may not be read. Run as root, or with CAP_SYS_PTRACE and CAP_NET_ADMIN.",
                CheckpointException.NothingChanged, cause: exception);
        }

        return descriptors;
    }

    private static bool TryReadSocketInode(string link, out long inode)
    {
        const string Prefix = "socket:[";
        inode = 0;
        try
        {
            string? target = File.ResolveLinkTarget(link, returnFinalTarget: false)?.Name;
            return target is not null && target.StartsWith(Prefix, StringComparison.Ordinal)
                && long.TryParse(target.AsSpan(Prefix.Length, target.Length - Prefix.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out inode);
        }
        catch (IOException)
        {
            // Closed since the listing.
            return false;
        }
    }

    private static void RefuseOtherOwners(int pid, TcpSocketRow row)
    {
        var others = new List<int>();
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out int other)
                && other != pid && HasSocket(directory, row.Inode))
            {
                others.Add(other);
            }
        }

        if (others.Count > 0)
        {
            throw new CheckpointException(
                Step,
                $"the socket of {row.Local}-{row.Peer} is shared: besides process {pid}, also {string.Join(", ", others)} has it open and would go on "
                + "using it. End those processes or let them close it.",
                CheckpointException.NothingChanged, CheckpointFailure.Refused);
        }
    }

    private static bool HasSocket(string processDirectory, long inode)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(Path.Combine(processDirectory, "fd"))
                .Any(link => TryReadSocketInode(link, out long found) && found == inode);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Ended since the listing, or not ours to see.
            return false;
        }
    }
}
