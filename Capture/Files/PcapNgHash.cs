namespace Interceptor.Capture.Files;

/// <summary>A hash of a packet as pcapng records it (epb_hash): one octet for the algorithm, then the value.</summary>
/// <param name="Algorithm">What it was computed with.</param>
/// <param name="Value">The hash, at most 65,534 bytes; compared byte by byte.</param>
public readonly record struct PcapNgHash(PcapNgHashAlgorithm Algorithm, ReadOnlyMemory<byte> Value)
{
    /// <inheritdoc/>
    public bool Equals(PcapNgHash other) => Algorithm == other.Algorithm && Value.Span.SequenceEqual(other.Value.Span);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var code = default(HashCode);
        code.Add(Algorithm);
        code.AddBytes(Value.Span);
        return code.ToHashCode();
    }
}
