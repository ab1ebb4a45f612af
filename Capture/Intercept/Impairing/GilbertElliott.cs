namespace Interceptor.Capture.Intercept;

/// <summary>
/// Loss in bursts: a channel that is good or bad and changes before each packet (Gilbert 1960, Elliott 1963), with the parameters of tc-netem's gemodel.
/// </summary>
/// <param name="ToBad">p: the probability to become bad when good.</param>
/// <param name="ToGood">r: the probability to become good when bad; bursts last 1/r packets on average.</param>
/// <param name="BadLoss">1-h: the probability that a packet is lost while bad.</param>
/// <param name="GoodLoss">1-k: the probability that a packet is lost while good.</param>
public sealed record GilbertElliott(double ToBad, double ToGood, double BadLoss = 1, double GoodLoss = 0)
{
    /// <summary>The share of packets that is lost in the long run.</summary>
    public double Share => ToBad + ToGood == 0 ? GoodLoss : ((ToBad * BadLoss) + (ToGood * GoodLoss)) / (ToBad + ToGood);

    /// <summary>The channel that loses a share in bursts of a mean length, and nothing between them (Gilbert's simple model).</summary>
    /// <param name="share">The share that is lost, less than <paramref name="burst"/> / (<paramref name="burst"/> + 1) of all.</param>
    /// <param name="burst">Packets of a burst on average, 1 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">Bursts of that length can't lose so much.</exception>
    public static GilbertElliott FromBursts(double share, double burst)
    {
        if (!(burst >= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(burst), burst, "A burst has at least one packet.");
        }

        double toGood = 1 / burst;
        double toBad = share * toGood / (1 - share);
        return share is >= 0 and < 1 && toBad <= 1
            ? new GilbertElliott(toBad, toGood)
            : throw new ArgumentOutOfRangeException(nameof(share), share, "Between two bursts is at least one packet: so much is not lost in bursts of this length.");
    }

    internal void Validate()
    {
        foreach (double probability in (ReadOnlySpan<double>)[ToBad, ToGood, BadLoss, GoodLoss])
        {
            if (!(probability is >= 0 and <= 1))
            {
                throw new ArgumentOutOfRangeException(null, probability, "A probability is between 0 and 1.");
            }
        }
    }
}
