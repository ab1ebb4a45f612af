using Interceptor.Capture;

namespace Interceptor.Replay.Stateful;

/// <summary>The connections of a capture that can be played, and what was left out. Owns the file with their bytes.</summary>
public sealed class ConversationSet : IDisposable
{
    private readonly StreamStore _store;

    internal ConversationSet(StreamStore store) => _store = store;

    /// <summary>Those to play, in order of their first packets.</summary>
    public IReadOnlyList<ConversationScript> Scripts { get; internal set; } = [];

    /// <summary>Those that can't be played.</summary>
    public IReadOnlyList<SkippedConversation> Skipped { get; internal set; } = [];

    /// <summary>Those that are played although something of them is missing.</summary>
    public IReadOnlyList<SkippedConversation> Reservations { get; internal set; } = [];

    /// <summary>Packets read.</summary>
    public long Packets { get; internal set; }

    /// <summary>Packets that did not match the filter.</summary>
    public long NotMatching { get; internal set; }

    /// <summary>TCP segments among those that matched.</summary>
    public long Segments { get; internal set; }

    /// <summary>TCP connections among those that matched.</summary>
    public long Connections { get; internal set; }

    /// <summary>The damage that ended the capture; null for a sound one.</summary>
    public CaptureFileException? Damage { get; internal set; }

    /// <inheritdoc/>
    public void Dispose() => _store.Dispose();
}
