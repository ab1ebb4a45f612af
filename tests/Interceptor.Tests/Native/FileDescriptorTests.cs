using System.Runtime.CompilerServices;
using Interceptor.Interop;

namespace Interceptor.Tests.Native;

public sealed class FileDescriptorTests
{
    [Fact]
    public void A_forgotten_handle_that_was_borrowed_closes_nothing()
    {
        using FileStream file = File.OpenRead("/dev/zero");
        int number = (int)file.SafeFileHandle.DangerousGetHandle();
        Forget(number);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(0, file.ReadByte());
        FileDescriptor.Borrow(number).Dispose();
        Assert.Equal(0, file.ReadByte());
    }

    [Fact]
    public void A_forgotten_standard_output_stays_open()
    {
        ForgetStandardOutput();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.NotNull(new FileInfo("/proc/self/fd/1").LinkTarget);
    }

    // Not inlined: a local that lives on would keep the handle.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget(int number) => Assert.False(FileDescriptor.Borrow(number).IsInvalid);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ForgetStandardOutput() => new StandardOutputStream().Write([]);
}
