using System.Text.Json.Serialization;

namespace Interceptor.Checkpoint;

/// <summary>session.json: what a person can read of an image. The byte queues and the held packets are files beside it.</summary>
internal sealed record SessionDocument
{
    internal const string FormatName = "interceptor-session";
    internal const int CurrentVersion = 3;

    public string Format { get; init; } = "";

    public int Version { get; init; }

    public string Id { get; init; } = "";

    public SessionBase? Base { get; init; }

    public string Source { get; init; } = "";

    public IReadOnlyList<string> Assumed { get; init; } = [];

    public SessionConnection Connection { get; init; } = new();

    public SessionSequences Sequences { get; init; } = new();

    public SessionOptions Options { get; init; } = new();

    public SessionClock Clock { get; init; } = new();

    public SocketSettings Socket { get; init; } = new();

    public SessionCounters Counters { get; init; } = new();

    public SessionLock? Lock { get; init; }

    public IReadOnlyList<string> Warnings { get; init; } = [];

    public SessionEncryption? Encryption { get; init; }

    public IReadOnlyList<SessionFile> Files { get; init; } = [];
}

/// <summary>The earlier image that this one adds to.</summary>
internal sealed record SessionBase
{
    public string Id { get; init; } = "";

    /// <summary>From the image's own directory, or absolute.</summary>
    public string Path { get; init; } = "";

    /// <summary>The SHA-256 of its commit record.</summary>
    public string CommitSha256 { get; init; } = "";

    /// <summary>How many bytes at the front of the receive queue are in the base's.</summary>
    public int ReceiveQueueBytes { get; init; }

    /// <summary>How many bytes at the front of the send queue are in the base's.</summary>
    public int SendQueueBytes { get; init; }
}

internal sealed record SessionConnection
{
    public string Local { get; init; } = "";

    public string Peer { get; init; } = "";

    public string State { get; init; } = "";
}

internal sealed record SessionSequences
{
    public uint SndUna { get; init; }

    public uint SndNxt { get; init; }

    public uint WriteSeq { get; init; }

    public uint SndWnd { get; init; }

    public uint SndWl1 { get; init; }

    public uint MaxWindow { get; init; }

    public uint CopiedSeq { get; init; }

    public uint RcvNxt { get; init; }

    public uint RcvWnd { get; init; }

    public uint RcvWup { get; init; }
}

internal sealed record SessionOptions
{
    public int Mss { get; init; }

    public bool WindowScaling { get; init; }

    public int SndWindowScale { get; init; }

    public int RcvWindowScale { get; init; }

    public bool SackPermitted { get; init; }

    public bool Timestamps { get; init; }

    public uint TimestampValue { get; init; }

    public bool MicrosecondTimestamps { get; init; }

    public bool HadEcn { get; init; }
}

internal sealed record SessionClock
{
    public string BootId { get; init; } = "";

    public long BootTimeNs { get; init; }

    public long WallNs { get; init; }

    public string Wall { get; init; } = "";
}

/// <summary>How all files but session.json are encrypted.</summary>
internal sealed record SessionEncryption
{
    public string Cipher { get; init; } = "";

    public string KeyFingerprint { get; init; } = "";
}

/// <summary>A file of the image beside session.json.</summary>
internal sealed record SessionFile
{
    public string Name { get; init; } = "";

    public long Bytes { get; init; }
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(SessionDocument))]
internal sealed partial class SessionJson : JsonSerializerContext;
