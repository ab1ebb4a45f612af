// echo-server PORT IMAGE: killed with SIGKILL and started again, it goes on with the connection that the killed one had.
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Packets;
using Interceptor.Replay;

if (args[0] == "guard")
{
    Guard(int.Parse(args[1], CultureInfo.InvariantCulture), Endpoint(args[2]), Endpoint(args[3]), args[4]);
    return;
}

string image = args[1];
using Socket client = Directory.Exists(image) ? Restore(image) : Accept(int.Parse(args[0], CultureInfo.InvariantCulture));
string[] order = ["guard", $"{Environment.ProcessId}", $"{client.LocalEndPoint}", $"{client.RemoteEndPoint}", image];
using Process guard = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, order) { RedirectStandardOutput = true })!;
guard.StandardOutput.ReadLine();
byte[] buffer = new byte[65536];
for (int count; (count = client.Receive(buffer, SocketFlags.Peek)) > 0;)
{
    // Consumed after it was sent: who is killed in between has written more than it has read.
    count = client.Send(buffer, count, SocketFlags.None);
    client.Receive(buffer, count, SocketFlags.None);
}

guard.Kill();

static Socket Accept(int port)
{
    using var listener = new TcpListener(IPAddress.Any, port);
    listener.Start();
    return listener.AcceptSocket();
}

static Socket Restore(string image)
{
    using RestoredSession session = SessionRestore.Resume(image);
    Socket client = session.Socket.TakeSocket();
    int echoed = int.Parse(File.ReadAllText($"{image}.echoed"), CultureInfo.InvariantCulture);
    for (byte[] rest = new byte[echoed]; echoed > 0; echoed -= client.Receive(rest, echoed, SocketFlags.None))
    {
    }

    Directory.Delete(image, recursive: true);
    return client;
}

// A process of its own with a second descriptor of the connection, which does not end while that is open: when the server is killed, it becomes an image.
static void Guard(int pid, FlowEndpoint local, FlowEndpoint peer, string image)
{
    SocketOwner owner = SocketFinder.Find(pid, local, peer);
    using PausedSocket socket = PausedSocket.Attach(owner);
    long ahead = Ahead(owner);
    Console.WriteLine("on guard");
    Process.GetProcessById(pid).WaitForExit();
    string id = $"{pid:x8}";
    SessionLockRules.Install(local, peer, id, networkNamespace: null);
    socket.Pause();
    SessionImage last = socket.Dump() with { Id = id };
    File.WriteAllText($"{image}.echoed", $"{last.WrittenOffset(StreamOrigin.Accepted) - last.ReadOffset - ahead}");
    SessionFiles.Write(image, last with { Lock = SessionLockRules.For(last) });
    socket.CloseSilently();
}

// By how much the kernel's account of what was written is ahead of what was read: after a restore it begins anew.
static long Ahead(SocketOwner owner)
{
    FirewallRules locked = SessionLockRules.Install(owner.Local, owner.Peer, $"{owner.Pid:x8}", networkNamespace: null);
    SessionImage now;
    using (PausedSocket paused = PausedSocket.Attach(owner))
    {
        paused.Pause();
        now = paused.Dump();
    }

    // The socket was resumed when it was disposed.
    locked.Remove();
    return now.WrittenOffset(StreamOrigin.Accepted) - now.ReadOffset;
}

static FlowEndpoint Endpoint(string text) => FlowEndpoint.TryParse(text, out FlowEndpoint endpoint) ? endpoint : throw new ArgumentException(text);
