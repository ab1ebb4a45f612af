using System.Runtime.InteropServices;

namespace Interceptor.Capture.Files;

/// <summary>What a pcapng section header says of its making (draft-ietf-opsawg-pcapng, section 4.1). All may be null.</summary>
/// <param name="Hardware">The machine, as <c>x86_64</c> (shb_hardware).</param>
/// <param name="OperatingSystem">The system, as <c>Linux 6.12</c> (shb_os).</param>
/// <param name="Application">The program that wrote it (shb_userappl).</param>
/// <param name="Comment">A comment on the section (opt_comment). Of several the first is read.</param>
public sealed record PcapNgSection(string? Hardware = null, string? OperatingSystem = null, string? Application = null, string? Comment = null)
{
    /// <summary>Characters of all of it.</summary>
    internal int TextLength => (Hardware?.Length ?? 0) + (OperatingSystem?.Length ?? 0) + (Application?.Length ?? 0) + (Comment?.Length ?? 0);

    /// <summary>Nothing said.</summary>
    public static PcapNgSection Empty { get; } = new();

    /// <summary>This machine and this library.</summary>
    public static PcapNgSection OfThisProcess { get; } = new(
        RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => "x86_64",
            Architecture.Arm64 => "aarch64",
            var other => other.ToString().ToLowerInvariant(),
        },
        $"Linux {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}",
        $"Interceptor {typeof(PcapNgSection).Assembly.GetName().Version?.ToString(3)}");
}
