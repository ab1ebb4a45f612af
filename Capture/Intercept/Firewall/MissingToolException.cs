namespace Interceptor.Capture.Intercept;

/// <summary>A program that is needed is not installed; the message names it and how to get it.</summary>
public sealed class MissingToolException : IOException
{
    /// <summary>Names the tool and its Debian package.</summary>
    public MissingToolException(string tool, string package, Exception? inner = null)
        : base($"{tool} is not installed. Install it with: apt-get install {package}", inner) => Tool = tool;

    /// <summary>The program.</summary>
    public string Tool { get; }
}
