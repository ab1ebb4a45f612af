namespace Interceptor.Filters;

/// <summary>Why a program is refused.</summary>
public enum BpfFault
{
    /// <summary>It is not.</summary>
    None,

    /// <summary>It has no instruction.</summary>
    Empty,

    /// <summary>It has more than <see cref="BpfVerifier.MaxInstructions"/>.</summary>
    TooLong,

    /// <summary>No such instruction.</summary>
    UnknownInstruction,

    /// <summary>A jump leads behind the last instruction (a backward jump does, as distances are unsigned).</summary>
    JumpOutside,

    /// <summary>A scratch index above 15.</summary>
    ScratchIndex,

    /// <summary>A scratch word is read that some path has not written.</summary>
    ScratchUnset,

    /// <summary>A division or remainder by the constant 0.</summary>
    DivisionByZero,

    /// <summary>A shift by a constant of 32 or more.</summary>
    ShiftTooFar,

    /// <summary>An ancillary load that Linux does not define.</summary>
    UnknownAncillary,

    /// <summary>The last instruction is no return.</summary>
    NoReturn,
}
