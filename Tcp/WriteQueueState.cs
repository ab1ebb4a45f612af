using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>The numbers of a <see cref="WriteQueue"/>, apart from its behaviour: plain data, copied freely. <c>SndUna &lt;= SndNxt &lt;= WriteSeq</c>.</summary>
public record struct WriteQueueState
{
    /// <summary>Oldest sequence number not yet acknowledged.</summary>
    public SequenceNumber SndUna { get; set; }

    /// <summary>The first sequence number not yet handed to the network.</summary>
    public SequenceNumber SndNxt { get; set; }

    /// <summary>The sequence number behind everything the application wrote, and behind the FIN once it closed.</summary>
    public SequenceNumber WriteSeq { get; set; }

    /// <summary>A FIN occupies the number before <see cref="WriteSeq"/>.</summary>
    public bool FinQueued { get; set; }

    /// <summary>A SYN occupies <see cref="SndUna"/> and is not yet acknowledged.</summary>
    public bool SynQueued { get; set; }

    /// <summary>When the oldest segment in flight is due for retransmission, in ns of the caller's clock; null if and only if nothing is in flight.</summary>
    public long? RetransmitDeadline { get; set; }
}
