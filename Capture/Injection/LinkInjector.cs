using Interceptor.Capture.Live;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Injection;

/// <summary>
/// Sends packets on an interface as they are, link header included, through an AF_PACKET socket.
/// <para><see cref="Write"/> copies the packet and sends when a batch is full; <see cref="Flush"/> sends what is waiting, and whoever paces
/// calls it when a packet is due. Disposing flushes.</para>
/// <para>A packet that the kernel refuses is counted with its reason and the rest goes on; a full queue is waited for. An interface that
/// goes down or away is an exception.</para>
/// <para>Threads: one writer; <see cref="Statistics"/> may be read on any. It belongs to the network namespace of the opening thread.</para>
/// </summary>
public sealed class LinkInjector : IPacketInjector
{
    /// <summary>A batch of the longest packets that loopback takes is sent in parts; a capture's longest packet (262,144) fits.</summary>
    private const int ArenaLength = 1 << 20;

    /// <summary>A queue that has not moved for so long will not.</summary>
    private const int StallMilliseconds = 5000;

    private readonly FileDescriptor _socket;
    private readonly SendBatch _batch;
    private readonly InjectionCounter _counter;

    /// <summary>When the queue was first found full since it last took a packet, in ms of the tick count; 0 while it takes them.</summary>
    private long _waitingSince;

    private bool _disposed;

    private LinkInjector(string interfaceName, LinkType linkType, int? mtu, FileDescriptor socket, LinkInjectorOptions options)
    {
        _counter = new InjectionCounter(mtu);
        InterfaceName = interfaceName;
        LinkType = linkType;
        Options = options;
        _socket = socket;
        _batch = new SendBatch(options.BatchSize, ArenaLength);
    }

    /// <summary>The interface.</summary>
    public string InterfaceName { get; }

    /// <summary>What a packet's first byte has to belong to: <see cref="LinkType.Ethernet"/> (loopback too) or <see cref="LinkType.Raw"/> (a TUN).</summary>
    public LinkType LinkType { get; }

    /// <summary>How it sends.</summary>
    public LinkInjectorOptions Options { get; }

    /// <inheritdoc/>
    public string Carrier => $"interface {InterfaceName} carries {LinkType.GetName()}";

    /// <inheritdoc/>
    public bool IsMuted { get; set; }

    /// <inheritdoc/>
    public InjectionStatistics Statistics => _counter.Snapshot();

    /// <summary>Opens an interface of the calling thread's network namespace with the default options.</summary>
    /// <exception cref="LinuxException">ENODEV with the list of interfaces; EPERM without CAP_NET_RAW; EOPNOTSUPP for a link of another kind.</exception>
    public static LinkInjector Open(string interfaceName) => Open(interfaceName, new LinkInjectorOptions());

    /// <inheritdoc cref="Open(string)"/>
    public static LinkInjector Open(string interfaceName, LinkInjectorOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(interfaceName);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.BatchSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.BatchSize, 1024);
        int index = LinuxInterfaces.IndexOf(interfaceName);
        if (index == 0 || !LinuxInterfaces.TryGetHardwareType(interfaceName, out ushort hardwareType))
        {
            throw LinuxInterfaces.NoSuchInterface("send", interfaceName);
        }

        LinkType linkType = NetworkInterfaces.FromHardwareType(hardwareType) ?? throw new LinuxException(
            Errno.EOPNOTSUPP, "send", $"interface {interfaceName}", $"Its link type (ARPHRD {hardwareType}) is neither Ethernet nor raw IP.");
        int? mtu = LinuxInterfaces.TryGetMtu(interfaceName, out int length) ? length : null;
        return new(interfaceName, linkType, mtu, PacketSocket.OpenLink(index, interfaceName, options.QdiscBypass), options);
    }

    /// <inheritdoc/>
    public bool Accepts(LinkType linkType) => linkType == LinkType || (LinkType == LinkType.Raw
        && linkType is LinkType.RawBsd or LinkType.RawOpenBsd or LinkType.Ipv4 or LinkType.Ipv6);

    /// <summary>
    /// Takes one packet; a cut one is sent as far as it was captured. A packet of a link type that the interface does not carry is counted as failed.
    /// </summary>
    /// <exception cref="LinuxException">The interface went down or away.</exception>
    public void Write(in CapturedPacket packet)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!Accepts(packet.Metadata.LinkType))
        {
            _counter.Failed($"of link type {packet.Metadata.LinkType}, and the interface carries {LinkType}");
            return;
        }

        if (packet.Data.Length > ArenaLength)
        {
            _counter.Failed(Errno.EMSGSIZE);
            return;
        }

        if (!_batch.TryAdd(packet.Data))
        {
            Flush();
            _ = _batch.TryAdd(packet.Data);
        }

        if (_batch.Count == _batch.Capacity)
        {
            Flush();
        }
    }

    /// <summary>Sends what is waiting.</summary>
    /// <exception cref="LinuxException">The interface went down or away; what was waiting is counted as failed.</exception>
    public void Flush()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Send();
    }

    private void Send()
    {
        int next = 0;
        while (next < _batch.Count)
        {
            int sent = _batch.Send(_socket, next, IsMuted);
            if (sent > 0)
            {
                CountSent(next, sent);
                next += sent;
                _waitingSince = 0;
                continue;
            }

            int errno = -sent;
            if (errno is Errno.EAGAIN or Errno.ENOBUFS && !HasStalled())
            {
                AwaitQueue(errno);
                continue;
            }

            if (errno is Errno.ENETDOWN or Errno.ENODEV or Errno.ENXIO)
            {
                _counter.Failed(errno, _batch.Count - next);
                _batch.Clear();
                throw new LinuxException(errno, "send", $"interface {InterfaceName}", errno == Errno.ENETDOWN
                    ? $"It is down: bring it up with: ip link set {InterfaceName} up" : "It is gone.");
            }

            _counter.Failed(errno);
            next++;
        }

        _batch.Clear();
    }

    /// <summary>Sends what is waiting as far as it can be sent, and closes the socket.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        try
        {
            Flush();
        }
        catch (LinuxException)
        {
            // Counted; a caller who has to know flushes first.
        }

        _disposed = true;
        _batch.Dispose();
        _socket.Dispose();
    }

    private void CountSent(int first, int count)
    {
        long bytes = 0;
        for (int index = first; index < first + count; index++)
        {
            bytes += _batch.LengthAt(index);
        }

        _counter.Sent(IsMuted ? 0 : count, IsMuted ? 0 : bytes);
    }

    private bool HasStalled()
    {
        long now = Environment.TickCount64;
        if (_waitingSince == 0)
        {
            _waitingSince = now;
        }

        return now - _waitingSince > StallMilliseconds;
    }

    private void AwaitQueue(int errno)
    {
        _counter.QueueWait(errno);

        // A full socket buffer announces room; a full device queue (ENOBUFS) does not, and the socket counts as writable all the while.
        if (PacketSocket.WaitWritable(_socket, milliseconds: 100) && errno == Errno.ENOBUFS)
        {
            PacketSocket.Rest(milliseconds: 1);
        }
    }
}
