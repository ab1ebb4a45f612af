namespace Interceptor.Capture.Intercept;

/// <summary>What connection tracking says of a packet (linux/netfilter/nf_conntrack_common.h, enum ip_conntrack_info).</summary>
public enum ConntrackState
{
    /// <summary>Of a connection that has been answered; in its first direction.</summary>
    Established = 0,

    /// <summary>Begins a connection that belongs to another, or is an error about one.</summary>
    Related = 1,

    /// <summary>Begins a connection, or belongs to one that has not been answered.</summary>
    New = 2,

    /// <summary>Of an answered connection, in the other direction.</summary>
    EstablishedReply = 3,

    /// <summary>Related, in the other direction.</summary>
    RelatedReply = 4,

    /// <summary>Not tracked.</summary>
    Untracked = 7,
}
