namespace Interceptor.Packets;

/// <summary>One option as it stands in the header.</summary>
public readonly ref struct TcpOption
{
    internal TcpOption(TcpOptionKind kind, ReadOnlySpan<byte> data)
    {
        Kind = kind;
        Data = data;
    }

    /// <summary>Its kind; unnamed values are passed through.</summary>
    public TcpOptionKind Kind { get; }

    /// <summary>The bytes behind kind and length.</summary>
    public ReadOnlySpan<byte> Data { get; }
}
