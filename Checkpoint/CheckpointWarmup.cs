using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Checkpoint;

/// <summary>
/// A dry run of everything between pause and resume, on a connection of its own in a network namespace of its own, so that the code is compiled and
/// the kernel's paths are warm when it counts. Takes some tens of milliseconds. Any thread.
/// </summary>
public static class CheckpointWarmup
{
    /// <summary>Runs it.</summary>
    /// <exception cref="LinuxException">EPERM where namespaces can't be made or sockets not be repaired.</exception>
    public static void Run() => Run(null);

    /// <summary>The same, with its image for whatever else is to be warm.</summary>
    internal static void Run(Action<SessionImage>? useImage)
    {
        FrozenProcess.Warm();
        using NetworkNamespace warm = NetworkNamespace.Create("warm-up");
        warm.Run(() => DryRun(useImage));
        CodeWarmup.PrepareAll(
            typeof(PausedSocket), typeof(SessionRestorer), typeof(RestoredSocket), typeof(FrozenProcess), typeof(SocketSettingsIo),
            typeof(SocketEligibility), typeof(NativeSocket), typeof(DescriptorPassing), typeof(ProcessDescriptor), typeof(ProcessTasks));
    }

    private static void DryRun(Action<SessionImage>? useImage)
    {
        const string Subject = "the warm-up connection";
        NativeSocket.BringUp("lo");
        using FileDescriptor listener = NativeSocket.Create(Libc.AF_INET, Libc.SOCK_STREAM, Libc.IPPROTO_TCP);
        Span<byte> address = stackalloc byte[NativeSocket.MaxAddressLength];
        int length = SocketAddress.Write(new FlowEndpoint(IpAddress.FromIpv4(0x7f000001), 0), isIpv6Socket: false, address);
        NativeSocket.Bind(listener, address[..length], Subject);
        NativeSocket.Listen(listener, 1, Subject);
        length = NativeSocket.GetLocalAddress(listener, address, Subject);
        using FileDescriptor client = NativeSocket.Create(Libc.AF_INET, Libc.SOCK_STREAM, Libc.IPPROTO_TCP);
        NativeSocket.Connect(client, address[..length], Subject);
        FileDescriptor server = NativeSocket.Accept(listener, Subject);
        _ = SocketAddress.TryRead(address[..length], out FlowEndpoint local);
        length = NativeSocket.GetLocalAddress(client, address, Subject);
        _ = SocketAddress.TryRead(address[..length], out FlowEndpoint peer);
        _ = NativeSocket.TrySend(client, "warm"u8, Libc.MSG_DONTWAIT);
        _ = NativeSocket.TrySend(server, "warm"u8, Libc.MSG_DONTWAIT);

        using PausedSocket paused = PausedSocket.Attach(server, new SocketOwner(Environment.ProcessId, server.Number, 0, local, peer));
        paused.Pause();
        SessionImage image = paused.Dump();
        useImage?.Invoke(image);
        paused.CloseSilently();
        using RestoredSocket restored = SessionRestorer.Restore(image);
        restored.Resume();
        (FileDescriptor first, FileDescriptor second) = NativeSocket.CreatePair(Libc.SOCK_STREAM);
        using (first)
        using (second)
        {
            DescriptorPassing.Send(first, restored.Handle);
            DescriptorPassing.Receive(second)?.Dispose();
        }
    }
}
