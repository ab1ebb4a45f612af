using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace Interceptor.Filters;

/// <summary>
/// Turns a verified program into IL, which the runtime turns into machine code. The result answers as <see cref="BpfInterpreter"/> does, which is
/// the reference. Packet bytes are read through spans only: a mistake in here could give a wrong answer or an exception, not a wild read.
/// </summary>
public static class BpfCompiler
{
    /// <summary>False where the runtime can't make code, or would interpret what is made: the interpreter is then the only way.</summary>
    public static bool IsSupported => RuntimeFeature.IsDynamicCodeSupported && RuntimeFeature.IsDynamicCodeCompiled;

    /// <summary>Compiles a program, to machine code at once: milliseconds the first time in a process, then under one for a usual filter.</summary>
    /// <exception cref="PlatformNotSupportedException"><see cref="IsSupported"/> is false.</exception>
    public static BpfFunction Compile(BpfProgram program)
    {
        ArgumentNullException.ThrowIfNull(program);
        if (!IsSupported)
        {
            throw new PlatformNotSupportedException("This runtime makes no code at run time; use BpfInterpreter.");
        }

        // The first parameter is the delegate's target and unused: a delegate with one is called without moving its arguments.
        var method = new DynamicMethod(
            "bpf", typeof(uint), [typeof(object), typeof(ReadOnlySpan<byte>), typeof(int)], typeof(BpfCompiler).Module, skipVisibility: false);
        new Emitter(method.GetILGenerator(), program.Span).Emit();
        BpfFunction function = method.CreateDelegate<BpfFunction>(program);

        // The runtime compiles at the first call; an empty packet is as good as any.
        _ = function([], 0);
        return function;
    }

    /// <summary>Writes one method. A and X are locals, scratch words too (those that are used), instructions are labels.</summary>
    private readonly ref struct Emitter
    {
        private static readonly MethodInfo SpanLength = typeof(ReadOnlySpan<byte>).GetProperty(nameof(ReadOnlySpan<byte>.Length))!.GetMethod!;
        private static readonly MethodInfo SpanItem = typeof(ReadOnlySpan<byte>).GetProperty("Item")!.GetMethod!;
        private static readonly MethodInfo SpanSlice = typeof(ReadOnlySpan<byte>).GetMethod(nameof(ReadOnlySpan<byte>.Slice), [typeof(int), typeof(int)])!;
        private static readonly MethodInfo ReadHalf = typeof(BinaryPrimitives).GetMethod(nameof(BinaryPrimitives.ReadUInt16BigEndian), [typeof(ReadOnlySpan<byte>)])!;
        private static readonly MethodInfo ReadWord = typeof(BinaryPrimitives).GetMethod(nameof(BinaryPrimitives.ReadUInt32BigEndian), [typeof(ReadOnlySpan<byte>)])!;

        private readonly ILGenerator _il;
        private readonly ReadOnlySpan<BpfInstruction> _program;
        private readonly LocalBuilder _a;
        private readonly LocalBuilder _x;
        private readonly LocalBuilder _length;
        private readonly LocalBuilder _offset;
        private readonly LocalBuilder?[] _scratch = new LocalBuilder?[BpfVerifier.ScratchWords];
        private readonly Label[] _labels;
        private readonly Label _reject;

        /// <summary>For each instruction, how many captured bytes every path to it has made sure of; jumps only lead forward.</summary>
        private readonly int[] _assured;

        internal Emitter(ILGenerator il, ReadOnlySpan<BpfInstruction> program)
        {
            _il = il;
            _program = program;
            _a = il.DeclareLocal(typeof(uint));
            _x = il.DeclareLocal(typeof(uint));
            _length = il.DeclareLocal(typeof(int));
            _offset = il.DeclareLocal(typeof(long));
            _labels = new Label[program.Length];
            for (int i = 0; i < _labels.Length; i++)
            {
                _labels[i] = il.DefineLabel();
            }

            _reject = il.DefineLabel();
            _assured = new int[program.Length];
            Array.Fill(_assured, int.MaxValue);
            _assured[0] = 0;
        }

        internal void Emit()
        {
            _il.Emit(OpCodes.Ldarga_S, (byte)1);
            _il.Emit(OpCodes.Call, SpanLength);
            _il.Emit(OpCodes.Stloc, _length);
            for (int index = 0; index < _program.Length; index++)
            {
                _il.MarkLabel(_labels[index]);
                EmitInstruction(_program[index], index);
            }

            _il.MarkLabel(_reject);
            Constant(0);
            _il.Emit(OpCodes.Ret);
        }

        private void EmitInstruction(BpfInstruction instruction, int index)
        {
            switch (instruction.Code)
            {
                case BpfOpcode.ReturnK:
                    Constant(instruction.K);
                    _il.Emit(OpCodes.Ret);
                    return;
                case BpfOpcode.ReturnA:
                    _il.Emit(OpCodes.Ldloc, _a);
                    _il.Emit(OpCodes.Ret);
                    return;
                case BpfOpcode.Jump:
                    JumpTo(index, index + 1 + (int)instruction.K);
                    return;
                case var code when BpfOpcode.IsConditionalJump(code):
                    EmitBranch(instruction, index);
                    return;
                case BpfOpcode.LoadWordAbsolute:
                    EmitAbsolute(index, instruction.K, 4);
                    return;
                case BpfOpcode.LoadHalfAbsolute:
                    EmitAbsolute(index, instruction.K, 2);
                    return;
                case BpfOpcode.LoadByteAbsolute:
                    EmitAbsolute(index, instruction.K, 1);
                    return;
                case BpfOpcode.LoadXHeaderLength:
                    EmitHeaderLength(index, instruction.K);
                    return;
            }

            Follow(index, index + 1);
            switch (instruction.Code)
            {
                case BpfOpcode.LoadWordIndirect:
                    EmitIndirect(instruction.K, 4);
                    break;
                case BpfOpcode.LoadHalfIndirect:
                    EmitIndirect(instruction.K, 2);
                    break;
                case BpfOpcode.LoadByteIndirect:
                    EmitIndirect(instruction.K, 1);
                    break;
                default:
                    if (!EmitMove(instruction))
                    {
                        EmitArithmetic(instruction);
                    }

                    break;
            }
        }

        /// <summary>A word from a constant, a register or the scratch memory into another; false for any other instruction.</summary>
        private bool EmitMove(BpfInstruction instruction)
        {
            switch (instruction.Code)
            {
                case BpfOpcode.LoadImmediate or BpfOpcode.LoadXImmediate:
                    Constant(instruction.K);
                    break;
                case BpfOpcode.LoadLength or BpfOpcode.LoadXLength:
                    _il.Emit(OpCodes.Ldarg_2);
                    break;
                case BpfOpcode.LoadMemory or BpfOpcode.LoadXMemory:
                    _il.Emit(OpCodes.Ldloc, Scratch(instruction.K));
                    break;
                case BpfOpcode.Store or BpfOpcode.TransferAToX:
                    _il.Emit(OpCodes.Ldloc, _a);
                    break;
                case BpfOpcode.StoreX or BpfOpcode.TransferXToA:
                    _il.Emit(OpCodes.Ldloc, _x);
                    break;
                default:
                    return false;
            }

            _il.Emit(OpCodes.Stloc, instruction.Code switch
            {
                BpfOpcode.Store or BpfOpcode.StoreX => Scratch(instruction.K),
                BpfOpcode.LoadXImmediate or BpfOpcode.LoadXLength or BpfOpcode.LoadXMemory or BpfOpcode.TransferAToX => _x,
                _ => _a,
            });
            return true;
        }

        private void EmitArithmetic(BpfInstruction instruction)
        {
            // Bit 3 of an arithmetic code chooses X over the constant; without it the codes are those of the constant.
            const ushort FromX = BpfOpcode.AddX ^ BpfOpcode.AddK;
            bool fromX = (instruction.Code & FromX) != 0;
            ushort operation = (ushort)(instruction.Code & ~FromX);
            switch (operation)
            {
                case BpfOpcode.Neg:
                    _il.Emit(OpCodes.Ldloc, _a);
                    _il.Emit(OpCodes.Neg);
                    _il.Emit(OpCodes.Stloc, _a);
                    return;
                case BpfOpcode.DivK or BpfOpcode.ModK when fromX:
                    _il.Emit(OpCodes.Ldloc, _x);
                    _il.Emit(OpCodes.Brfalse, _reject);
                    break;
                case BpfOpcode.LshK or BpfOpcode.RshK when fromX:
                    EmitShiftByX(operation == BpfOpcode.LshK ? OpCodes.Shl : OpCodes.Shr_Un);
                    return;
            }

            _il.Emit(OpCodes.Ldloc, _a);
            if (fromX)
            {
                _il.Emit(OpCodes.Ldloc, _x);
            }
            else
            {
                Constant(instruction.K);
            }

            _il.Emit(operation switch
            {
                BpfOpcode.AddK => OpCodes.Add,
                BpfOpcode.SubK => OpCodes.Sub,
                BpfOpcode.MulK => OpCodes.Mul,
                BpfOpcode.DivK => OpCodes.Div_Un,
                BpfOpcode.ModK => OpCodes.Rem_Un,
                BpfOpcode.OrK => OpCodes.Or,
                BpfOpcode.AndK => OpCodes.And,
                BpfOpcode.LshK => OpCodes.Shl,
                BpfOpcode.RshK => OpCodes.Shr_Un,
                BpfOpcode.XorK => OpCodes.Xor,
                _ => throw new InvalidOperationException($"The verifier passed {instruction.Code:x}, which is not known here."),
            });
            _il.Emit(OpCodes.Stloc, _a);
        }

        /// <summary>IL leaves a shift of 32 or more open; here it gives 0.</summary>
        private void EmitShiftByX(OpCode shift)
        {
            Label far = _il.DefineLabel();
            Label done = _il.DefineLabel();
            _il.Emit(OpCodes.Ldloc, _x);
            Constant(32);
            _il.Emit(OpCodes.Bge_Un, far);
            _il.Emit(OpCodes.Ldloc, _a);
            _il.Emit(OpCodes.Ldloc, _x);
            _il.Emit(shift);
            _il.Emit(OpCodes.Stloc, _a);
            _il.Emit(OpCodes.Br, done);
            _il.MarkLabel(far);
            Constant(0);
            _il.Emit(OpCodes.Stloc, _a);
            _il.MarkLabel(done);
        }

        private void EmitBranch(BpfInstruction instruction, int index)
        {
            int taken = index + 1 + instruction.Jt;
            int otherwise = index + 1 + instruction.Jf;
            Follow(index, taken);
            _il.Emit(OpCodes.Ldloc, _a);
            if (instruction.Code is BpfOpcode.JumpEqualX or BpfOpcode.JumpGreaterX or BpfOpcode.JumpGreaterEqualX or BpfOpcode.JumpSetX)
            {
                _il.Emit(OpCodes.Ldloc, _x);
            }
            else
            {
                Constant(instruction.K);
            }

            switch (instruction.Code)
            {
                case BpfOpcode.JumpSetK or BpfOpcode.JumpSetX:
                    _il.Emit(OpCodes.And);
                    _il.Emit(OpCodes.Brtrue, _labels[taken]);
                    break;
                case BpfOpcode.JumpEqualK or BpfOpcode.JumpEqualX:
                    _il.Emit(OpCodes.Beq, _labels[taken]);
                    break;
                case BpfOpcode.JumpGreaterK or BpfOpcode.JumpGreaterX:
                    _il.Emit(OpCodes.Bgt_Un, _labels[taken]);
                    break;
                default:
                    _il.Emit(OpCodes.Bge_Un, _labels[taken]);
                    break;
            }

            JumpTo(index, otherwise);
        }

        /// <summary>A = packet[k..]; ancillary offsets are far past any packet's end.</summary>
        private void EmitAbsolute(int index, uint k, int size)
        {
            if (!Assure(index, k, size))
            {
                return;
            }

            Read(size, k);
            _il.Emit(OpCodes.Stloc, _a);
        }

        private void EmitHeaderLength(int index, uint k)
        {
            if (!Assure(index, k, 1))
            {
                return;
            }

            Read(1, k);
            Constant(0xF);
            _il.Emit(OpCodes.And);
            Constant(2);
            _il.Emit(OpCodes.Shl);
            _il.Emit(OpCodes.Stloc, _x);
        }

        /// <summary>A = packet[X + k..]. The sum is formed in 64 bits: one that passes 2^32 is past the end.</summary>
        private void EmitIndirect(uint k, int size)
        {
            _il.Emit(OpCodes.Ldloc, _x);
            _il.Emit(OpCodes.Conv_U8);
            _il.Emit(OpCodes.Ldc_I8, (long)k);
            _il.Emit(OpCodes.Add);
            _il.Emit(OpCodes.Stloc, _offset);
            _il.Emit(OpCodes.Ldloc, _offset);
            _il.Emit(OpCodes.Ldloc, _length);
            Constant((uint)size);
            _il.Emit(OpCodes.Sub);
            _il.Emit(OpCodes.Conv_I8);
            _il.Emit(OpCodes.Bgt, _reject);
            Read(size, offset: null);
            _il.Emit(OpCodes.Stloc, _a);
        }

        /// <summary>Rejects a packet that ends before k + size, unless it is known to be longer; false if every packet does.</summary>
        private bool Assure(int index, uint k, int size)
        {
            long end = (long)k + size;
            if (end > int.MaxValue)
            {
                _il.Emit(OpCodes.Br, _reject);
                return false;
            }

            if (_assured[index] < end)
            {
                _il.Emit(OpCodes.Ldloc, _length);
                Constant((uint)end);
                _il.Emit(OpCodes.Blt, _reject);
                _assured[index] = (int)end;
            }

            Follow(index, index + 1);
            return true;
        }

        /// <summary>The value at an offset that was checked, from network order, onto the stack.</summary>
        /// <param name="size">Bytes.</param>
        /// <param name="offset">The offset; null: it is in the local.</param>
        private void Read(int size, uint? offset)
        {
            _il.Emit(OpCodes.Ldarga_S, (byte)1);
            if (offset is { } constant)
            {
                Constant(constant);
            }
            else
            {
                _il.Emit(OpCodes.Ldloc, _offset);
                _il.Emit(OpCodes.Conv_I4);
            }

            if (size == 1)
            {
                _il.Emit(OpCodes.Call, SpanItem);
                _il.Emit(OpCodes.Ldind_U1);
                return;
            }

            Constant((uint)size);
            _il.Emit(OpCodes.Call, SpanSlice);
            _il.Emit(OpCodes.Call, size == 2 ? ReadHalf : ReadWord);
        }

        private void JumpTo(int from, int to)
        {
            Follow(from, to);
            if (to != from + 1)
            {
                _il.Emit(OpCodes.Br, _labels[to]);
            }
        }

        /// <summary>What is known at <paramref name="from"/> is known at <paramref name="to"/>, if every other way there knows it as well.</summary>
        private void Follow(int from, int to) => _assured[to] = Math.Min(_assured[to], _assured[from]);

        private LocalBuilder Scratch(uint word) => _scratch[word] ??= _il.DeclareLocal(typeof(uint));

        private void Constant(uint value) => _il.Emit(OpCodes.Ldc_I4, unchecked((int)value));
    }
}
