using Interceptor.Packets;

namespace Interceptor.Capture.Injection;

/// <summary>
/// A sink that ends on a wire, of one interface or several, and knows what became of each packet.
/// <para>Threads: one writer; <see cref="Statistics"/> may be read on any.</para>
/// </summary>
public interface IPacketInjector : IPacketSink
{
    /// <summary>What it carries, as a clause: <c>interface eth0 carries EN10MB</c>. Interface names are as they were given.</summary>
    string Carrier { get; }

    /// <summary>What became of the packets so far; those waiting in a batch are not in it.</summary>
    InjectionStatistics Statistics { get; }

    /// <summary>
    /// While it is true, packets are taken and go all the way but for the wire, and are not counted: a rehearsal, so that the first packet that is sent is not late.
    /// Set by the writer, with nothing gathered.
    /// </summary>
    bool IsMuted { get; set; }

    /// <summary>True for packets that it can carry as they are.</summary>
    bool Accepts(LinkType linkType);
}
