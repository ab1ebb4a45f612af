using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Interceptor.Interop;
using Interceptor.Testing;

namespace Interceptor.Tests.Native;

/// <summary>What the imports say of C is put to the C compiler: every constant that this machine's headers define, every structure.</summary>
public sealed class NativeLayoutTests
{
    private const string Headers = """
        #define _GNU_SOURCE
        #include <stddef.h>
        #include <stdio.h>
        #include <sys/types.h>
        #include <sys/socket.h>
        #include <sys/ioctl.h>
        #include <sys/stat.h>
        #include <sys/syscall.h>
        #include <sys/un.h>
        #include <netinet/in.h>
        #include <net/if.h>
        #include <linux/tcp.h>
        #include <linux/sockios.h>
        #include <linux/netlink.h>
        #include <linux/if_packet.h>
        #include <poll.h>
        #include <pwd.h>
        #include <unistd.h>
        #include <fcntl.h>
        #include <sched.h>
        #include <signal.h>
        #include <time.h>
        #include <sys/epoll.h>
        #include <sys/timerfd.h>

        """;

    /// <summary>Enumerators, which the preprocessor does not see.</summary>
    private static readonly string[] Enumerators = ["TCP_NO_QUEUE", "TCP_RECV_QUEUE", "TCP_SEND_QUEUE"];

    /// <summary>A cast of a pointer, which is no constant expression.</summary>
    private static readonly string[] NotConstant = ["SIG_DFL"];

    [Fact]
    public void Constants_are_those_of_the_headers()
    {
        var source = new StringBuilder(Headers);
        var counted = new StringBuilder("0");
        foreach (FieldInfo field in typeof(Libc).GetFields(BindingFlags.Static | BindingFlags.NonPublic).Where(field => field.IsLiteral))
        {
            string name = field.Name;
            if (name.Any(char.IsAsciiLetterLower) || NotConstant.Contains(name))
            {
                continue;
            }

            string value = string.Create(CultureInfo.InvariantCulture, $"{field.GetRawConstantValue()}");
            string guard = Enumerators.Contains(name) ? "#if 1" : $"#ifdef {name}";
            source.Append(CultureInfo.InvariantCulture, $"{guard}\n_Static_assert((long long)({name}) == {value}LL, \"{name}\");\nenum {{ HAS_{name} = 1 }};\n#else\n");
            source.Append(CultureInfo.InvariantCulture, $"enum {{ HAS_{name} = 0 }};\n#endif\n");
            counted.Append(CultureInfo.InvariantCulture, $" + HAS_{name}");
        }

        source.Append(CultureInfo.InvariantCulture, $"int main(void) {{ printf(\"%d\\n\", {counted}); return 0; }}\n");
        int known = int.Parse(CompileAndRun(source.ToString()), CultureInfo.InvariantCulture);
        Assert.True(known > 100, $"Only {known} constants were found in the headers: the test has lost what it tests.");
    }

    [Fact]
    public void Structures_are_those_of_the_headers()
    {
        var source = new StringBuilder(Headers);
        AppendFields<Libc.tcp_info>(source, "tcp_info", except: ["tcpi_wscale", "tcpi_rcv_wnd"]);
        AppendFields<Libc.tcp_repair_opt>(source, "tcp_repair_opt");
        AppendFields<Libc.tcp_repair_window>(source, "tcp_repair_window");
        AppendSize<Libc.tcp_repair_opt>(source, "struct tcp_repair_opt");
        AppendSize<Libc.tcp_repair_window>(source, "struct tcp_repair_window");
        AppendFields<Libc.passwd>(source, "passwd");
        AppendSize<Libc.passwd>(source, "struct passwd");
        AppendSize<IoVector>(source, "struct iovec");
        AppendSize<MessageHeader>(source, "struct msghdr");
        AppendSize<ControlHeader>(source, "struct cmsghdr");
        AppendSize<PollDescriptor>(source, "struct pollfd");
        AppendSize<Libc.ifreq_flags>(source, "struct ifreq");
        AppendSize<Libc.itimerspec>(source, "struct itimerspec");
        source.Append(CultureInfo.InvariantCulture, $"_Static_assert(sizeof(struct epoll_event) == {EventPoll.NativeEventLength}, \"epoll_event\");\n");
        source.Append(CultureInfo.InvariantCulture, $"_Static_assert(CMSG_SPACE(sizeof(int)) == {Unsafe.SizeOf<Libc.cmsg_one_fd>()}, \"CMSG_SPACE\");\n");
        source.Append("_Static_assert(CMSG_LEN(sizeof(int)) == 20, \"CMSG_LEN\");\n");
        source.Append("int main(void) { puts(\"same\"); return 0; }\n");
        Assert.Equal("same", CompileAndRun(source.ToString()));
    }

    private static void AppendFields<T>(StringBuilder source, string name, params string[] except)
        where T : unmanaged
    {
        foreach (FieldInfo field in typeof(T).GetFields(BindingFlags.Instance | BindingFlags.NonPublic).Where(field => !except.Contains(field.Name)))
        {
            source.Append(
                CultureInfo.InvariantCulture,
                $"_Static_assert(offsetof(struct {name}, {field.Name}) == {Marshal.OffsetOf<T>(field.Name)}, \"{name}.{field.Name}\");\n");
            source.Append(
                CultureInfo.InvariantCulture,
                $"_Static_assert(sizeof(((struct {name} *)0)->{field.Name}) == {Marshal.SizeOf(field.FieldType)}, \"size of {name}.{field.Name}\");\n");
        }
    }

    private static void AppendSize<T>(StringBuilder source, string name)
        where T : unmanaged =>
        source.Append(CultureInfo.InvariantCulture, $"_Static_assert(sizeof({name}) == {Unsafe.SizeOf<T>()}, \"sizeof {name}\");\n");

    private static string CompileAndRun(string source)
    {
        KernelTest.RequireTool("gcc");
        string directory = Directory.CreateTempSubdirectory("native-layout-").FullName;
        try
        {
            string file = Path.Combine(directory, "layout.c");
            string program = Path.Combine(directory, "layout");
            File.WriteAllText(file, source);
            (int code, _, string errors) = Run("gcc", "-std=gnu11", "-w", "-o", program, file);
            Assert.True(code == 0, errors);
            (code, string output, _) = Run(program);
            Assert.Equal(0, code);
            return output.Trim();
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static (int Code, string Output, string Errors) Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output.GetAwaiter().GetResult(), errors);
    }
}
