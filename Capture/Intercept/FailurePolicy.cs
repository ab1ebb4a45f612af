namespace Interceptor.Capture.Intercept;

/// <summary>What happens to the traffic when we are overloaded or gone.</summary>
public enum FailurePolicy
{
    /// <summary>It passes unseen (the rule's queue-bypass, the queue's fail-open flag): for looking on.</summary>
    Open,

    /// <summary>It is dropped: where letting it pass would break what was asked for.</summary>
    Closed,
}
