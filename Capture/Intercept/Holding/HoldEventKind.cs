namespace Interceptor.Capture.Intercept;

/// <summary>What happened to a held packet.</summary>
public enum HoldEventKind
{
    /// <summary>It is held now.</summary>
    Held,

    /// <summary>A copy of it came, or one that covers it and took its place.</summary>
    Copied,

    /// <summary>Its bytes were changed.</summary>
    Edited,

    /// <summary>It went on.</summary>
    Released,

    /// <summary>It was dropped.</summary>
    Dropped,
}
