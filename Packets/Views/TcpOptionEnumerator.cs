namespace Interceptor.Packets;

/// <summary>
/// Walks TCP options. Always ends: an option whose length is 0 or 1, or runs past the header, ends the walk with
/// <see cref="IsMalformed"/> set. The end-of-list option ends it too; no-operations are skipped.
/// </summary>
public ref struct TcpOptionEnumerator
{
    private readonly ReadOnlySpan<byte> _options;
    private int _offset;

    internal TcpOptionEnumerator(ReadOnlySpan<byte> options) => _options = options;

    /// <summary>The option that the last <see cref="MoveNext"/> found.</summary>
    public TcpOption Current { get; private set; }

    /// <summary>True after the walk met an option whose length is impossible.</summary>
    public bool IsMalformed { get; private set; }

    // First byte behind the current option, from the first option.
    internal readonly int EndOffset => _offset;

    /// <summary>For <c>foreach</c>.</summary>
    public readonly TcpOptionEnumerator GetEnumerator() => this;

    /// <summary>Goes to the next option other than padding.</summary>
    public bool MoveNext()
    {
        while (_offset < _options.Length)
        {
            var kind = (TcpOptionKind)_options[_offset];
            if (kind == TcpOptionKind.EndOfList)
            {
                break;
            }

            if (kind == TcpOptionKind.NoOperation)
            {
                _offset++;
                continue;
            }

            int length = _offset + 1 < _options.Length ? _options[_offset + 1] : 0;
            if (length < 2 || _offset + length > _options.Length)
            {
                IsMalformed = true;
                break;
            }

            Current = new TcpOption(kind, _options.Slice(_offset + 2, length - 2));
            _offset += length;
            return true;
        }

        _offset = _options.Length;
        Current = default;
        return false;
    }
}
