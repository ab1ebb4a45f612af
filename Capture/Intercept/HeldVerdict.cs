namespace Interceptor.Capture.Intercept;

/// <summary>What happens to a held packet at the release.</summary>
public enum HeldVerdict
{
    /// <summary>It goes on from where it was held, with everything the kernel knows of it.</summary>
    Accept,

    /// <summary>It ends here.</summary>
    Drop,
}
