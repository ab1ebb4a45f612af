namespace Interceptor.Cli.Input;

/// <summary>What the help says of the limits that keep a made-up file from filling memory (<c>Capture/Files/FormatLimits.cs</c>).</summary>
internal static class CaptureLimits
{
    /// <summary>One paragraph, behind the description of FILE.</summary>
    internal const string Text = "Limits: a packet has at most 256 KiB, or the file's snap length if that is more; a pcapng block 16 MiB; "
        + "a compressed file unpacks to 64 GiB at most and, from 64 MiB on, to 500 times its size; Zstandard's window is 128 MiB at most.";
}
