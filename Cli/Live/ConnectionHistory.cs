namespace Interceptor.Cli.Live;

/// <summary>The samples of a connection's last seconds, a few of them: each is about a second behind the one before, or more. Pure, of bounded size.</summary>
/// <param name="first">What is counted from at first.</param>
internal sealed class ConnectionHistory(in ConnectionSample first)
{
    /// <summary>How far back it reaches, ns.</summary>
    internal const long Length = 10_000_000_000;

    // A refresh each second comes a little early now and then.
    private const long Step = 900_000_000;

    private readonly List<ConnectionSample> _samples = [first];

    /// <summary>The sample that recent figures count from: <see cref="Length"/> ago, or the first one.</summary>
    internal ConnectionSample Oldest => _samples[0];

    /// <summary>Takes the sample of this instant, which is not before the last one's.</summary>
    internal void Add(in ConnectionSample sample)
    {
        if (sample.At - _samples[^1].At >= Step)
        {
            _samples.Add(sample);
        }

        // The one that is about old enough stays: recent means since then.
        while (_samples.Count > 1 && _samples[1].At <= sample.At - Length + (Step / 2))
        {
            _samples.RemoveAt(0);
        }
    }
}
