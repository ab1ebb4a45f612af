namespace Interceptor.Tcp.Graph;

/// <summary>Something at an instant that can be joined with its neighbours in time.</summary>
internal interface ITimeBucketed<T>
    where T : struct, ITimeBucketed<T>
{
    /// <summary>When, ns from the connection's first packet.</summary>
    long Time { get; }

    /// <summary>Joining it with a later one hides nothing that tells them apart.</summary>
    bool Fits(in T later);

    /// <summary>Both as one, with the extremes of both.</summary>
    T Join(in T later);
}
