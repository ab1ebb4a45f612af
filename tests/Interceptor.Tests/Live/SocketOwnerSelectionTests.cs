using Interceptor.Capture.Live;
using Interceptor.Interop;

namespace Interceptor.Tests.Live;

public sealed class SocketOwnerSelectionTests
{
    private static readonly int Self = Environment.ProcessId;
    private static readonly ulong SelfStart = ProcessIdentity.StartTimeOf(Self)!.Value;
    private static readonly SocketProcess SelfProcess = new(Self, SelfStart, "worker", "python3.11");
    private static readonly SocketProcess Nginx = new(int.MaxValue, 7, "nginx", "nginx");

    [Fact]
    public void Nothing_named_means_every_socket()
    {
        SocketOwnerSelection all = Of();
        Assert.True(all.IsEmpty);
        Assert.False(all.NeedsProcesses);
        Assert.True(all.Includes(Owner()));
    }

    [Fact]
    public void Of_one_kind_any_one_is_enough()
    {
        SocketOwnerSelection either = Of(uids: [33, 1000]);
        Assert.False(either.IsEmpty);
        Assert.True(either.Includes(Owner(uid: 33)));
        Assert.True(either.Includes(Owner(uid: 1000)));
        Assert.False(either.Includes(Owner(uid: 0)));
    }

    [Theory]
    [InlineData(true, 33, "/web", true)]
    [InlineData(false, 33, "/web", false)]
    [InlineData(true, 0, "/web", false)]
    [InlineData(true, 33, null, false)]
    public void Of_several_kinds_each_must_hold(bool isOpenHere, int uid, string? group, bool expected)
    {
        SocketOwnerSelection selection = Of(pids: [Self], uids: [33], cgroups: ["/"]);
        Assert.Equal(expected, selection.Includes(Owner((uint)uid, group, isOpenHere ? [Nginx, SelfProcess] : [Nginx])));
    }

    [Fact]
    public void A_number_means_the_process_that_had_it_when_it_was_named_and_no_later_one()
    {
        SocketOwnerSelection selection = Of(pids: [Self]);
        Assert.True(selection.NeedsProcesses);
        Assert.Equal([Self], selection.Pids);
        Assert.True(selection.Includes(Owner(processes: SelfProcess)));
        Assert.False(selection.Includes(Owner(processes: SelfProcess with { StartTicks = SelfStart + 1 })));
        Assert.False(selection.Includes(Owner(processes: SelfProcess with { StartTicks = 0 })));
    }

    [Fact]
    public void The_number_of_a_thread_means_its_process()
    {
        int thread = Directory.EnumerateDirectories("/proc/self/task").Select(static path => int.Parse(Path.GetFileName(path), null)).First(static each => each != Self);
        Assert.Equal([Self], Of(pids: [thread]).Pids);
    }

    [Theory]
    [InlineData("worker", true)]
    [InlineData("python3.11", true)]
    [InlineData("python3", false)]
    [InlineData("WORKER", false)]
    [InlineData("nginx", true)]
    [InlineData("", false)]
    public void A_name_is_that_of_any_process_that_has_the_socket_or_of_its_program(string name, bool expected) =>
        Assert.Equal(expected, Of(names: [name]).Includes(Owner(processes: [SelfProcess, Nginx])));

    [Fact]
    public void Number_and_name_must_hold_for_one_and_the_same_process()
    {
        SocketOwnerSelection selection = Of(pids: [Self], names: ["nginx"]);
        Assert.False(selection.Includes(Owner(processes: [SelfProcess, Nginx])));
        Assert.True(selection.Includes(Owner(processes: SelfProcess with { Name = "nginx" })));
    }

    [Fact]
    public void A_socket_of_nobody_is_of_no_process() => Assert.False(Of(names: ["nginx"]).Includes(Owner()));

    [Theory]
    [InlineData("/web", "/web", true)]
    [InlineData("/web", "/web/worker", true)]
    [InlineData("/web", "/web-two", false)]
    [InlineData("/web", "/", false)]
    [InlineData("/web/worker", "/web", false)]
    [InlineData("/", "/", true)]
    [InlineData("/", "/web/worker", true)]
    public void A_group_means_those_below_it_too_and_no_other_whose_name_begins_so(string named, string path, bool expected) =>
        Assert.Equal(expected, SocketOwnerSelection.IsBelow(path, named));

    [Fact]
    public void A_socket_of_an_unknown_group_is_in_none() => Assert.False(Of(cgroups: ["/"]).Includes(Owner(cgroup: null)));

    [Fact]
    public void What_there_is_not_is_refused()
    {
        Assert.Equal(Errno.ESRCH, Assert.Throws<LinuxException>(static () => Of(pids: [999_999_999])).Errno);
        LinuxException exception = Assert.Throws<LinuxException>(static () => Of(cgroups: ["/no/such/group"]));
        Assert.Equal(Errno.ENOENT, exception.Errno);
        Assert.Contains("control group /no/such/group", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_no_process_has_are_found()
    {
        string own = ProcessIdentity.NameOf(Self);
        string program = ProcessIdentity.ProgramOf(Self);
        Assert.Equal(["no such process"], Of(names: [own, "no such process", program]).FindAbsentNames());
        Assert.Empty(Of(pids: [Self]).FindAbsentNames());
    }

    [Fact]
    public void Asking_allocates_nothing()
    {
        SocketOwnerSelection selection = Of(pids: [Self], names: ["worker"], uids: [0]);
        SocketOwnerInfo owner = Owner(0, "/web", Nginx, SelfProcess);
        int included = selection.Includes(owner) ? 1 : 0;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            included += selection.Includes(owner) ? 1 : 0;
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1001, included);
    }

    [Theory]
    [InlineData("curl", "curl[7]", "/user.slice", "curl[7] uid=1000 cgroup=/user.slice")]
    [InlineData("a;b c\x1b", "", "/x y", "a_b_c_[7] uid=1000 cgroup=/x_y")]
    public void A_name_does_not_look_like_the_end_of_its_field(string name, string program, string group, string expected) =>
        Assert.Equal(expected, Owner(1000, group, new SocketProcess(7, 1, name, program)).ToString());

    [Fact]
    public void Further_processes_are_counted() =>
        Assert.Equal("nginx[7]+2 uid=33", Owner(33, null, Nginx with { Pid = 7 }, Nginx with { Pid = 8 }, Nginx with { Pid = 9 }).ToString());

    private static SocketOwnerSelection Of(int[]? pids = null, string[]? names = null, uint[]? uids = null, string[]? cgroups = null)
    {
        bool hasGroups = File.ReadLines("/proc/self/mountinfo").Any(static line => line.Contains(" - cgroup2 ", StringComparison.Ordinal));
        Assert.SkipWhen(cgroups is not null && !hasGroups, "No cgroup2 file system is mounted.");
        return new SocketOwnerSelection(pids ?? [], names ?? [], uids ?? [], cgroups ?? []);
    }

    private static SocketOwnerInfo Owner(uint uid = 0, string? cgroup = "/web", params SocketProcess[] processes) => new(uid, 1, cgroup, [.. processes]);
}
