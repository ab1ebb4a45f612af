using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Interceptor.Checkpoint;
using Interceptor.Cli.Demo.Peers;
using Interceptor.Interop;

namespace Interceptor.Cli.Demo;

/// <summary>
/// The demo's processes: the client, the server, and the server's successor, which waits for the connection. Disposing kills those that still
/// run and deletes the files. One thread at a time.
/// </summary>
internal sealed class DemoPeers : IDisposable
{
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _directory;
    private readonly List<PeerProcess> _processes = [];
    private FileDescriptor? _channel;

    private DemoPeers(TransferPlan plan)
    {
        Plan = plan;
        _directory = DemoDirectory.Create();
    }

    internal TransferPlan Plan { get; }

    internal PeerProcess Client { get; private set; } = null!;

    internal PeerProcess Server { get; private set; } = null!;

    internal PeerProcess NewServer { get; private set; } = null!;

    /// <summary>The connection's two ends.</summary>
    internal IPEndPoint ServerEnd { get; private set; } = null!;

    internal IPEndPoint ClientEnd { get; private set; } = null!;

    /// <summary>Where the session image is written.</summary>
    internal string ImageDirectory => Path.Combine(_directory.FullName, "image");

    /// <summary>Bytes of the upload that the server has stored.</summary>
    internal long StoredBytes => new FileInfo(StorePath).Length;

    private string StorePath => Path.Combine(_directory.FullName, "upload");

    /// <summary>Starts all three, the successor first; returns when the transfer has begun.</summary>
    internal static DemoPeers Start(DemoNetwork network, long bytes, CancellationToken stop)
    {
        long rate = (long)(bytes / RestoreDemoOptions.LeastDuration.TotalSeconds);
        var plan = new TransferPlan(bytes, BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)), rate);
        var peers = new DemoPeers(plan);
        try
        {
            peers.RequireSpace();
            peers.StartSuccessor(network, stop);
            peers.StartTransfer(network, stop);
            return peers;
        }
        catch
        {
            peers.Dispose();
            throw;
        }
    }

    /// <summary>Waits until the server has received and sent a quarter of the whole.</summary>
    internal void AwaitFullFlow(CancellationToken stop) => Server.Await(PeerMessages.ProgressWord, TransferTime, stop, line =>
    {
        string[] values = PeerMessages.Values(line);
        return Math.Min(long.Parse(values[0]), long.Parse(values[1])) >= Plan.Bytes / 4;
    });

    /// <summary>Gives the successor the connection, and the offsets where its streams go on.</summary>
    internal void SendConnection(SafeHandle connection, SessionImage image) =>
        Handover.Send(_channel!, connection, image.ReadOffset, image.WrittenOffset(StreamOrigin.Accepted));

    /// <summary>Bytes of the session image's files.</summary>
    internal long ImageLength() => new DirectoryInfo(ImageDirectory).EnumerateFiles().Sum(file => file.Length);

    /// <summary>Waits for both ends of the transfer; <paramref name="server"/> is the process that has the connection at the end.</summary>
    internal (TransferResult Client, TransferResult Server) AwaitResults(PeerProcess server, CancellationToken stop)
    {
        TransferResult atClient = PeerMessages.Result(Client.Await(PeerMessages.DoneWord, TransferTime, stop));
        TransferResult atServer = PeerMessages.Result(server.Await(PeerMessages.DoneWord, TransferTime, stop));
        return (atClient, atServer);
    }

    public void Dispose()
    {
        foreach (PeerProcess process in _processes)
        {
            process.Dispose();
        }

        _channel?.Dispose();
        _directory.Delete(recursive: true);
    }

    /// <summary>Far more than the transfer takes on a slow, busy machine: a hung connection is reported, not waited for.</summary>
    private TimeSpan TransferTime => TimeSpan.FromSeconds(60) + TimeSpan.FromSeconds(Plan.Bytes / 10e6);

    private void RequireSpace()
    {
        const long Spare = 64 * 1024 * 1024;
        long free = new DriveInfo(_directory.FullName).AvailableFreeSpace;
        if (free < Plan.Bytes + Spare)
        {
            throw new DemoException(
                $"the demo needs {Plan.Bytes + Spare} bytes of disk in {_directory.FullName}, and there are {free}. Choose a smaller --bytes, or another place by TMPDIR.");
        }
    }

    private void StartSuccessor(DemoNetwork network, CancellationToken stop)
    {
        string path = Path.Combine(_directory.FullName, "channel");
        using FileDescriptor listener = Handover.Listen(path);
        NewServer = Add(PeerProcess.Start(network.Successor, "new server", PeerCommand.TakeoverArguments(Plan, path, StorePath)));

        // It connects before it says that it is ready: then the accept below does not wait.
        NewServer.Await(PeerMessages.ReadyWord, StartTime, stop);
        _channel = Handover.Accept(listener);
    }

    private void StartTransfer(DemoNetwork network, CancellationToken stop)
    {
        Server = Add(PeerProcess.Start(network.Server, "server", PeerCommand.ServerArguments(Plan, new IPEndPoint(DemoNetwork.ServerAddress, 0), StorePath)));
        ServerEnd = PeerMessages.EndPoint(PeerMessages.Values(Server.Await(PeerMessages.ListeningWord, StartTime, stop))[0]);
        Client = Add(PeerProcess.Start(network.Client, "client", PeerCommand.ClientArguments(Plan, ServerEnd)));
        ClientEnd = PeerMessages.EndPoint(PeerMessages.Values(Server.Await(PeerMessages.ConnectedWord, StartTime, stop))[1]);
    }

    private PeerProcess Add(PeerProcess process)
    {
        _processes.Add(process);
        return process;
    }
}
