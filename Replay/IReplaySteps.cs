using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>Who says when the next packet is sent, at <see cref="ReplayPace.Step"/>. Called on the sending thread.</summary>
public interface IReplaySteps
{
    /// <summary>Waits for the next step; false to end the replay.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    bool Await(CancellationToken cancellation);

    /// <summary>The packet was handed to the target; it is lent until the call returns.</summary>
    void Sent(in CapturedPacket packet);
}
