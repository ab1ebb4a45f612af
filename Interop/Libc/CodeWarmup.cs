using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Compiles code, and binds the native functions it calls, before the moment in which that would take too long: a first call costs up to a millisecond otherwise.
/// Any thread.
/// </summary>
internal static class CodeWarmup
{
    private const BindingFlags Own = BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
    private static readonly Lazy<bool> LibcBound = new(() =>
    {
        Prepare(typeof(Libc));
        return true;
    });

    /// <summary>Prepares every method of these types and of the types inside them, and what this library calls of the C library.</summary>
    internal static void PrepareAll(params ReadOnlySpan<Type> types)
    {
        _ = LibcBound.Value;
        foreach (Type type in types)
        {
            Prepare(type);
        }
    }

    private static void Prepare(Type type)
    {
        if (type.ContainsGenericParameters)
        {
            return;
        }

        foreach (MethodInfo method in type.GetMethods(Own))
        {
            if (method.Attributes.HasFlag(MethodAttributes.PinvokeImpl))
            {
                Bind(method);
            }
            else if (!method.IsAbstract && !method.ContainsGenericParameters)
            {
                RuntimeHelpers.PrepareMethod(method.MethodHandle);
            }
        }

        foreach (Type inner in type.GetNestedTypes(Own))
        {
            Prepare(inner);
        }
    }

    private static void Bind(MethodInfo method)
    {
        try
        {
            Marshal.Prelink(method);
        }
        catch (EntryPointNotFoundException)
        {
            // An older C library: who calls it will say so.
        }
    }
}
