using FsCheck;
using FsCheck.Fluent;

namespace Interceptor.Testing;

/// <summary>
/// Runs an FsCheck property. A failure prints the shrunk case and the seed; INTERCEPTOR_SEED=seed,gamma runs that sequence again.
/// </summary>
public static class PropertyCheck
{
    /// <summary>Checks <paramref name="property"/> for values of <paramref name="arbitrary"/>; an exception in it is a failure.</summary>
    public static void ForAll<T>(Arbitrary<T> arbitrary, Action<T> property, int count = 200)
    {
        Config config = Config.QuickThrowOnFailure.WithMaxTest(count).WithQuietOnSuccess(true);
        if (ReadSeed() is { } replay)
        {
            config = config.WithReplay(replay.Seed, replay.Gamma);
        }

        Check.One(config, Prop.ForAll(arbitrary, property));
    }

    /// <summary>Checks <paramref name="property"/> for random byte arrays of 0 to <paramref name="maximumLength"/> bytes.</summary>
    public static void ForAllBytes(Action<byte[]> property, int count = 500, int maximumLength = 128)
    {
        Gen<byte[]> bytes = from length in Gen.Choose(0, maximumLength)
                            from values in Gen.ArrayOf(Gen.Choose(0, 255).Select(value => (byte)value), length)
                            select values;
        ForAll(bytes.ToArbitrary(), property, count);
    }

    private static (ulong Seed, ulong Gamma)? ReadSeed()
    {
        string[]? parts = Environment.GetEnvironmentVariable("INTERCEPTOR_SEED")?.Split(',');
        return parts is [string seed, string gamma]
            ? (ulong.Parse(seed, System.Globalization.CultureInfo.InvariantCulture), ulong.Parse(gamma, System.Globalization.CultureInfo.InvariantCulture))
            : null;
    }
}
