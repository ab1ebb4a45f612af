namespace Interceptor.Cli.Live;

/// <summary>What a <see cref="LivePage"/> shows. Threads: the page calls one member at a time.</summary>
internal interface ILiveScreen
{
    /// <summary>Takes the numbers of this instant.</summary>
    /// <param name="now">Monotonic, ns.</param>
    void Refresh(long now);

    /// <summary>The picture for a terminal of this size, in characters.</summary>
    LiveFrame Frame(int width, int height);

    /// <summary>Takes a key.</summary>
    LiveKeyEffect Press(ConsoleKeyInfo key);
}
