using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Filters;

/// <summary>
/// A pcap-filter expression compiled for one link type, with libpcap's compiler and our machine: an interpreter, and after
/// <see cref="CompileAfter"/> packets machine code that answers the same. Any thread.
/// </summary>
public sealed class PacketFilter
{
    /// <summary>The snap length of a program where the caller names none: tcpdump's largest.</summary>
    public const int DefaultSnapLength = 262_144;

    /// <summary>
    /// Packets that are interpreted before the program is compiled. By bench/filter the first compilation in a process takes 12 to 30 ms, and a
    /// usual filter is 0.1 us faster on each packet afterwards: that is repaid after 100,000 packets or more, a later compilation after 10,000.
    /// </summary>
    public const int CompileAfter = 50_000;

    /// <summary>What libpcap says of an expression that no packet can match.</summary>
    private const string RejectsAll = "expression rejects all packets";

    /// <summary>OpenBSD's IPsec interface, whose header begins as BSD loopback's.</summary>
    private const LinkType Enc = (LinkType)109;

    private BpfFunction? _compiled;
    private long _interpreted;

    private PacketFilter(string expression, LinkType linkType, BpfProgram program)
    {
        Expression = expression;
        LinkType = linkType;
        Program = program;
    }

    /// <summary>The expression as given.</summary>
    public string Expression { get; }

    /// <summary>The link type it was compiled for.</summary>
    public LinkType LinkType { get; }

    /// <summary>The program it became.</summary>
    public BpfProgram Program { get; }

    /// <summary>True once packets are matched by machine code.</summary>
    public bool IsCompiled => Volatile.Read(ref _compiled) is not null;

    /// <summary>Compiles an expression; an empty one matches every packet of any link type.</summary>
    /// <param name="expression">In the language of <c>man pcap-filter</c>. A host name in it is resolved now.</param>
    /// <param name="linkType">What a packet's first byte belongs to.</param>
    /// <param name="snapLength">What the program returns for a match, 1 to 2,147,483,647.</param>
    /// <exception cref="FilterSyntaxException">It does not compile, or makes no sense on that link type.</exception>
    /// <exception cref="DllNotFoundException">libpcap is not installed.</exception>
    public static PacketFilter Compile(string expression, LinkType linkType, int snapLength = DefaultSnapLength) =>
        Compile(expression, linkType, snapLength, mayRejectAll: false);

    /// <param name="expression">In the language of <c>man pcap-filter</c>.</param>
    /// <param name="linkType">What a packet's first byte belongs to.</param>
    /// <param name="snapLength">What the program returns for a match.</param>
    /// <param name="mayRejectAll">Take an expression that can't match on this link type (IPv6 on raw IPv4) as it is, instead of calling it a mistake.</param>
    /// <param name="otherByteOrder">For the headers of a machine of the other byte order, on link types whose header has the machine's.</param>
    internal static PacketFilter Compile(string expression, LinkType linkType, int snapLength, bool mayRejectAll, bool otherByteOrder = false)
    {
        ArgumentNullException.ThrowIfNull(expression);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(snapLength);
        if (string.IsNullOrWhiteSpace(expression))
        {
            return new(expression, linkType, new BpfProgram(new BpfInstruction(BpfOpcode.ReturnK, 0, 0, (uint)snapLength)));
        }

        // The compiler reads a C string: what follows a zero would be ignored in silence.
        if (expression.Contains('\0'))
        {
            throw new FilterSyntaxException(expression, expression.IndexOf('\0'), "a zero character can't be part of a filter");
        }

        using LibPcapHandle handle = linkType is LinkType.Null or LinkType.Loop or Enc
            ? LibPcapHandle.OpenEmptyFile((int)linkType, snapLength, otherByteOrder)
            : LibPcapHandle.OpenDead(LibPcapLinkType.ToDlt((int)linkType), snapLength);
        PcapInstruction[]? compiled = handle.Compile(expression, out string error);
        if (compiled is null)
        {
            return mayRejectAll && error == RejectsAll
                ? new(expression, linkType, new BpfProgram(new BpfInstruction(BpfOpcode.ReturnK, 0, 0, 0)))
                : throw new FilterSyntaxException(expression, -1, error);
        }

        var instructions = new BpfInstruction[compiled.Length];
        for (int i = 0; i < compiled.Length; i++)
        {
            PcapInstruction from = compiled[i];
            instructions[i] = new BpfInstruction(from.Code, from.Jt, from.Jf, from.K);
        }

        BpfVerification verification = BpfVerifier.Verify(instructions);
        return verification.IsValid
            ? new(expression, linkType, new BpfProgram(instructions))
            : throw new FilterSyntaxException(expression, -1, $"it compiles to a program that no kernel takes ({verification.Reason})");
    }

    /// <summary>True if the packet matches.</summary>
    /// <param name="data">The captured bytes, of this filter's link type. What a filter asks for beyond their end does not match.</param>
    /// <param name="originalLength">Length on the wire in bytes: <c>len</c>, <c>greater</c> and <c>less</c> mean this one.</param>
    public bool Matches(ReadOnlySpan<byte> data, int originalLength) =>
        (Volatile.Read(ref _compiled) is { } compiled ? compiled(data, originalLength) : Interpret(data, originalLength)) != 0;

    /// <summary>The program in the notation of <c>tcpdump -d</c>.</summary>
    public string Explain() => Program.ToString();

    /// <inheritdoc/>
    public override string ToString() => Expression;

    private uint Interpret(ReadOnlySpan<byte> data, int originalLength)
    {
        // Threads may overwrite each other's count; it still passes this value, and at worst twice.
        if (++_interpreted == CompileAfter && BpfCompiler.IsSupported)
        {
            // Elsewhere, so that no packet waits for it.
            ThreadPool.UnsafeQueueUserWorkItem(static filter => Volatile.Write(ref filter._compiled, BpfCompiler.Compile(filter.Program)), this, preferLocal: false);
        }

        return BpfInterpreter.Run(Program, data, originalLength);
    }
}
