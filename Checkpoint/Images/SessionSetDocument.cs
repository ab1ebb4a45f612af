using System.Text.Json.Serialization;

namespace Interceptor.Checkpoint;

/// <summary>set.json: the index of a set of images.</summary>
internal sealed record SessionSetDocument
{
    internal const string FormatName = "interceptor-session-set";
    internal const int CurrentVersion = 1;

    public string Format { get; init; } = "";

    public int Version { get; init; }

    public string Id { get; init; } = "";

    public int Pid { get; init; }

    public string Program { get; init; } = "";

    public string BootId { get; init; } = "";

    public long WallNs { get; init; }

    public SessionLock? Lock { get; init; }

    public string? KeyFingerprint { get; init; }

    public IReadOnlyList<SessionSetMember> Connections { get; init; } = [];

    public IReadOnlyList<SessionLeftOut> LeftOut { get; init; } = [];
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(SessionSetDocument))]
internal sealed partial class SessionSetJson : JsonSerializerContext;
