namespace Interceptor.Cli.Live;

/// <summary>What a key did.</summary>
internal enum LiveKeyEffect
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Something looks different now.</summary>
    Redraw,

    /// <summary>The user wants to leave.</summary>
    Quit,
}
