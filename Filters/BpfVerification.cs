using System.Globalization;

namespace Interceptor.Filters;

/// <summary>What the verifier found.</summary>
/// <param name="Fault">The first fault, or <see cref="BpfFault.None"/>.</param>
/// <param name="Index">The instruction it is in; 0 where there is no fault.</param>
public readonly record struct BpfVerification(BpfFault Fault, int Index)
{
    /// <summary>True if the program may run.</summary>
    public bool IsValid => Fault == BpfFault.None;

    /// <summary>The fault in words, without a full stop.</summary>
    public string Reason => Fault switch
    {
        BpfFault.None => "the program is valid",
        BpfFault.Empty => "the program has no instruction",
        BpfFault.TooLong => string.Create(CultureInfo.InvariantCulture, $"the program has more than {BpfVerifier.MaxInstructions} instructions"),
        BpfFault.UnknownInstruction => At("is unknown"),
        BpfFault.JumpOutside => At("jumps outside the program or backward"),
        BpfFault.ScratchIndex => At("uses a scratch word above 15"),
        BpfFault.ScratchUnset => At("reads a scratch word that was not written on every path"),
        BpfFault.DivisionByZero => At("divides by 0"),
        BpfFault.ShiftTooFar => At("shifts by more than 31 bits"),
        BpfFault.UnknownAncillary => At("reads ancillary data that Linux does not have"),
        _ => At("is the last and does not return"),
    };

    /// <inheritdoc/>
    public override string ToString() => Reason;

    private string At(string what) => string.Create(CultureInfo.InvariantCulture, $"instruction {Index} {what}");
}
