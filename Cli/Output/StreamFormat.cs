namespace Interceptor.Cli.Output;

/// <summary>How a stream's bytes are written.</summary>
internal enum StreamFormat
{
    /// <summary>As lines, with what a terminal would act on made visible, and a mark for who sent them.</summary>
    Text,

    /// <summary>As they are.</summary>
    Raw,

    /// <summary>As numbers and characters, with their place in the stream and a mark for who sent them.</summary>
    Hex,
}
