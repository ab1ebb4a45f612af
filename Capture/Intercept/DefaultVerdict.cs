namespace Interceptor.Capture.Intercept;

/// <summary>What a queue decides for a packet that nobody decided for.</summary>
public enum DefaultVerdict
{
    /// <summary>Let it pass: for looking on.</summary>
    Accept,

    /// <summary>Drop it: for a lock.</summary>
    Drop,
}
