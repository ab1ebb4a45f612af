namespace Interceptor.Filters;

/// <summary>A program in machine code. Allocates nothing and never throws; any thread.</summary>
/// <param name="data">The captured bytes.</param>
/// <param name="originalLength">The packet's length on the wire: what <c>len</c> in a filter means. Not negative.</param>
/// <returns>Bytes of the packet to keep; 0 rejects it.</returns>
public delegate uint BpfFunction(ReadOnlySpan<byte> data, int originalLength);
