using Interceptor.Capture.Files;
using Interceptor.Capture.Live;

namespace Interceptor.Cli.Commands;

/// <summary>What <c>interceptor capture -w</c> was asked for.</summary>
/// <param name="Path">The file, or the pattern of the files' names.</param>
/// <param name="Format">The format that was asked for; null for the one of the name.</param>
/// <param name="Rotation">When to begin a further file; null for one file.</param>
/// <param name="PrintName">Print the name of each closed file.</param>
/// <param name="Command">What to run on each closed file; null for nothing.</param>
internal sealed record CaptureRecordingOptions(string Path, CaptureFileFormat? Format, CaptureRotation? Rotation, bool PrintName, IReadOnlyList<string>? Command);
