using Interceptor.Interop;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Namespaces;

public sealed class NetworkNamespaceTests
{
    [Fact]
    public void A_new_namespace_is_another_one_than_ours()
    {
        using NetworkNamespace network = KernelTest.CreateNamespace("new");
        string inside = network.Run(() => File.ReadAllText("/proc/thread-self/net/dev"));
        Assert.DoesNotContain("eth", inside, StringComparison.Ordinal);
        Assert.NotEqual(IdentityOf("/proc/thread-self/ns/net"), network.Run(() => IdentityOf("/proc/thread-self/ns/net")));
    }

    [Fact]
    public void A_further_thread_is_in_the_same_namespace()
    {
        using NetworkNamespace network = KernelTest.CreateNamespace("threads");
        string? seen = null;
        network.StartThread("further", () => seen = IdentityOf("/proc/thread-self/ns/net")).Join();
        Assert.Equal(network.Run(() => IdentityOf("/proc/thread-self/ns/net")), seen);
    }

    [Fact]
    public void A_child_process_is_in_the_namespace()
    {
        using NetworkNamespace network = KernelTest.CreateNamespace("child");
        ChildResult result = ChildProcess.Run(network, "readlink", "/proc/self/ns/net");
        Assert.Equal(network.Run(() => IdentityOf("/proc/thread-self/ns/net")), result.Output.Trim());
    }

    [Fact]
    public void Its_path_opens_it_again()
    {
        using NetworkNamespace network = KernelTest.CreateNamespace("first");
        using NetworkNamespace again = NetworkNamespace.Open(network.Path);
        Assert.Equal(network.Run(() => IdentityOf("/proc/thread-self/ns/net")), again.Run(() => IdentityOf("/proc/thread-self/ns/net")));
    }

    [Fact]
    public void An_exception_comes_back_to_the_caller_and_the_thread_goes_on()
    {
        using NetworkNamespace network = KernelTest.CreateNamespace("failing");
        Assert.Throws<FormatException>(() => network.Run(() => throw new FormatException("inside")));
        Assert.Equal(7, network.Run(() => 7));
    }

    [Fact]
    public void A_namespace_that_does_not_exist_says_so()
    {
        LinuxException exception = Assert.Throws<LinuxException>(() => NetworkNamespace.Open("no-such-namespace"));
        Assert.Equal(2, exception.Errno);
        Assert.Contains("ip netns list", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_namespace_is_refused_without_ending_the_process()
    {
        LinuxException exception = Assert.Throws<LinuxException>(() => NetworkNamespace.Open("/proc/self/status"));
        Assert.Contains("setns", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void After_dispose_nothing_runs_and_a_second_dispose_is_harmless()
    {
        NetworkNamespace network = KernelTest.CreateNamespace("gone");
        network.Dispose();
        network.Dispose();
        Assert.Throws<ObjectDisposedException>(() => network.Run(() => 1));
        Assert.Throws<ObjectDisposedException>(() => network.StartThread("late", () => { }));
    }

    private static string IdentityOf(string path) => new FileInfo(path).LinkTarget ?? throw new InvalidOperationException($"{path} is no link.");
}
