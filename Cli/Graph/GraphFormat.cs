namespace Interceptor.Cli.Graph;

/// <summary>What a picture is written as.</summary>
internal enum GraphFormat
{
    /// <summary>One SVG image.</summary>
    Svg,

    /// <summary>One HTML page with the same image, details under the pointer, and zoom into a time.</summary>
    Html,

    /// <summary>The numbers behind it.</summary>
    Csv,
}
