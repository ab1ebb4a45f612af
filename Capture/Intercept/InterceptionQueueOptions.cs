namespace Interceptor.Capture.Intercept;

/// <summary>How a queue is set up.</summary>
public sealed record InterceptionQueueOptions
{
    /// <summary>The queue number that the firewall's rule names.</summary>
    public required ushort Number { get; init; }

    /// <summary>Bytes copied of each packet, 1 to 65531 (the default: whole packets, which editing and re-sending need; 128 is enough for headers).</summary>
    public int CopyRange { get; init; } = QueueProtocol.MaxCopyRange;

    /// <summary>Packets the kernel keeps waiting before it drops further ones. Default 65536: the kernel's own 1024 is a burst of 1 ms.</summary>
    public int MaxLength { get; init; } = 65536;

    /// <summary>The flags wanted. Default GSO (without it every super-packet is segmented first) and user ids.</summary>
    public InterceptionQueueFlags Flags { get; init; } = InterceptionQueueFlags.Gso | InterceptionQueueFlags.UserAndGroup;

    /// <summary>
    /// Bytes of the netlink receive buffer. Default 64 MB: the system's 208 KiB is 184 packets. Memory is used only while packets wait.
    /// </summary>
    public int ReceiveBufferBytes { get; init; } = 64 << 20;

    /// <summary>
    /// False (the default) sets NETLINK_NO_ENOBUFS: after an overrun, delivery goes on as soon as there is room, and /proc has the number.
    /// True has each overrun reported once and counted in <see cref="InterceptStatistics.Overruns"/>; the kernel then delivers nothing until the buffer is empty.
    /// </summary>
    public bool ReportOverruns { get; init; }

    /// <summary>Messages taken by one system call, 1 to 1024.</summary>
    public int BatchLength { get; init; } = 64;

    /// <summary>What a packet gets that is disposed without a verdict, or that can't be handed over. Default: accept.</summary>
    public DefaultVerdict Default { get; init; } = DefaultVerdict.Accept;
}
