using System.Globalization;

namespace Interceptor.Filters;

/// <summary>One instruction of the classic BPF machine (linux/filter.h, <c>struct sock_filter</c>). Plain data; any bits can be in it.</summary>
/// <param name="Code">Class, size, mode and operation.</param>
/// <param name="Jt">Instructions to skip if a condition holds.</param>
/// <param name="Jf">Instructions to skip if it does not.</param>
/// <param name="K">The constant: a value, an offset into the packet, a scratch index or a jump distance.</param>
public readonly record struct BpfInstruction(ushort Code, byte Jt, byte Jf, uint K)
{
    /// <summary>The four numbers in decimal, as <c>tcpdump -ddd</c> and xt_bpf write them.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Code} {Jt} {Jf} {K}");
}
