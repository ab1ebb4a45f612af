namespace Interceptor.Capture.Intercept;

/// <summary>Flags of a queue (NFQA_CFG_F_...). A kernel may refuse one: the queue then works without it and says so.</summary>
[Flags]
public enum InterceptionQueueFlags
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>What does not fit in the queue is accepted unseen, and counted by no kernel counter, instead of dropped.</summary>
    FailOpen = 1,

    /// <summary>Attach the conntrack entry.</summary>
    Conntrack = 2,

    /// <summary>Deliver super-packets and unfinished checksums as they are, instead of segmenting first.</summary>
    Gso = 4,

    /// <summary>Attach the sender's user and group id.</summary>
    UserAndGroup = 8,

    /// <summary>Attach the security context.</summary>
    SecurityContext = 16,
}
