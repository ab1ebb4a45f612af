using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// What becomes of one intercepted packet: told once for each, when it is certain. That is when it comes, where all that is done to it was decided then (also where it still
/// has to wait for its delay), and when it leaves, where it is edited or held.
/// <para>Ownership: everything is borrowed until the observer returns.</para>
/// </summary>
public readonly ref struct InterceptedFate
{
    private readonly InterceptedPacket _source;

    internal InterceptedFate(InterceptedPacket source, in CapturedPacket packet, in ImpairmentDecision decision)
    {
        _source = source;
        Packet = packet;
        Decision = decision;
    }

    /// <summary>The packet as it came.</summary>
    public CapturedPacket Packet { get; }

    /// <summary>What the impairments did to it; <see cref="ImpairmentDecision.Drop"/> also where it was dropped for another reason.</summary>
    public ImpairmentDecision Decision { get; }

    /// <summary>The bytes that go on instead of <see cref="Packet"/>; empty where it goes on as it came, or not at all.</summary>
    public ReadOnlySpan<byte> Changed { get; init; }

    /// <summary>How long it waited here, ns: known where it is told on leaving, else the delay that was decided.</summary>
    public long HeldNanoseconds { get; init; }

    /// <summary>What else was done to it, in words ("replaced 2, +3 bytes"); null for nothing.</summary>
    public string? Note { get; init; }

    /// <summary>Where it was taken.</summary>
    public FirewallHook Hook => _source.Hook;

    /// <summary>The number of its queue.</summary>
    public ushort Queue => _source.QueueNumber;

    /// <summary>The kernel's number of it in its queue.</summary>
    public uint Id => _source.Id;

    /// <summary>Index of the interface it came in by; 0 if none.</summary>
    public int InInterface => _source.InInterface;

    /// <summary>Index of the interface it goes out by; 0 if none.</summary>
    public int OutInterface => _source.OutInterface;

    /// <summary>The sending socket's user, where the kernel knows it.</summary>
    public long? UserId => _source.UserId;

    /// <summary>The mark it came with.</summary>
    public uint Mark => _source.Mark;

    /// <summary>The sending socket's group, where the kernel knows it.</summary>
    public long? GroupId => _source.GroupId;

    /// <summary>Who sent it on the link, where it came in by one.</summary>
    public MacAddress? HardwareAddress => _source.HardwareAddress;

    /// <summary>The VLAN tag, where a bridge's packet has one.</summary>
    public int? VlanTag => _source.VlanTag;

    /// <summary>The packet's priority; 0 for none.</summary>
    public uint Priority => _source.Priority;

    /// <summary>The mark of its connection, where the kernel attaches it.</summary>
    public uint? ConntrackMark => _source.ConntrackMark;
}
