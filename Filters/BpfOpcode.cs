namespace Interceptor.Filters;

/// <summary>The instructions of the classic BPF machine as whole codes (linux/bpf_common.h, linux/filter.h), named class first.</summary>
internal static class BpfOpcode
{
    internal const ushort LoadWordAbsolute = 0x20;
    internal const ushort LoadHalfAbsolute = 0x28;
    internal const ushort LoadByteAbsolute = 0x30;
    internal const ushort LoadWordIndirect = 0x40;
    internal const ushort LoadHalfIndirect = 0x48;
    internal const ushort LoadByteIndirect = 0x50;
    internal const ushort LoadImmediate = 0x00;
    internal const ushort LoadMemory = 0x60;
    internal const ushort LoadLength = 0x80;

    internal const ushort LoadXImmediate = 0x01;
    internal const ushort LoadXMemory = 0x61;
    internal const ushort LoadXLength = 0x81;

    /// <summary>X = 4 * (byte at k &amp; 15): the length of an IPv4 header.</summary>
    internal const ushort LoadXHeaderLength = 0xB1;

    internal const ushort Store = 0x02;
    internal const ushort StoreX = 0x03;

    internal const ushort AddK = 0x04;
    internal const ushort SubK = 0x14;
    internal const ushort MulK = 0x24;
    internal const ushort DivK = 0x34;
    internal const ushort OrK = 0x44;
    internal const ushort AndK = 0x54;
    internal const ushort LshK = 0x64;
    internal const ushort RshK = 0x74;
    internal const ushort Neg = 0x84;
    internal const ushort ModK = 0x94;
    internal const ushort XorK = 0xA4;

    internal const ushort AddX = 0x0C;
    internal const ushort SubX = 0x1C;
    internal const ushort MulX = 0x2C;
    internal const ushort DivX = 0x3C;
    internal const ushort OrX = 0x4C;
    internal const ushort AndX = 0x5C;
    internal const ushort LshX = 0x6C;
    internal const ushort RshX = 0x7C;
    internal const ushort ModX = 0x9C;
    internal const ushort XorX = 0xAC;

    internal const ushort Jump = 0x05;
    internal const ushort JumpEqualK = 0x15;
    internal const ushort JumpGreaterK = 0x25;
    internal const ushort JumpGreaterEqualK = 0x35;
    internal const ushort JumpSetK = 0x45;
    internal const ushort JumpEqualX = 0x1D;
    internal const ushort JumpGreaterX = 0x2D;
    internal const ushort JumpGreaterEqualX = 0x3D;
    internal const ushort JumpSetX = 0x4D;

    internal const ushort ReturnK = 0x06;
    internal const ushort ReturnA = 0x16;

    internal const ushort TransferAToX = 0x07;
    internal const ushort TransferXToA = 0x87;

    /// <summary>Absolute offsets from here on up are Linux's ancillary data (SKF_AD_OFF, -0x1000): what the kernel knows, not packet bytes.</summary>
    internal const uint AncillaryBase = 0xFFFF_F000;

    /// <summary>True for the conditional jumps, whose distances are jt and jf.</summary>
    internal static bool IsConditionalJump(ushort code) => code is JumpEqualK or JumpGreaterK or JumpGreaterEqualK or JumpSetK
        or JumpEqualX or JumpGreaterX or JumpGreaterEqualX or JumpSetX;

    /// <summary>True for loads at an absolute offset, where ancillary data can be addressed.</summary>
    internal static bool IsAbsoluteLoad(ushort code) => code is LoadWordAbsolute or LoadHalfAbsolute or LoadByteAbsolute;

    /// <summary>True for every instruction the kernel takes from user space (net/core/filter.c, chk_code_allowed).</summary>
    internal static bool IsKnown(ushort code) => IsAbsoluteLoad(code) || IsConditionalJump(code) || code is
        LoadWordIndirect or LoadHalfIndirect or LoadByteIndirect or LoadImmediate or LoadMemory or LoadLength
        or LoadXImmediate or LoadXMemory or LoadXLength or LoadXHeaderLength or Store or StoreX
        or AddK or SubK or MulK or DivK or OrK or AndK or LshK or RshK or Neg or ModK or XorK
        or AddX or SubX or MulX or DivX or OrX or AndX or LshX or RshX or ModX or XorX
        or Jump or ReturnK or ReturnA or TransferAToX or TransferXToA;
}
