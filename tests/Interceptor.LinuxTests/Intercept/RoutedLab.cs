using Interceptor.Interop;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>A client (10.78.1.1) and a server (10.78.2.1) with a router between them, a namespace each; Ethernet's MTU.</summary>
internal sealed class RoutedLab : IDisposable
{
    internal const string ServerAddress = "10.78.2.1";
    private readonly List<IDisposable> _made = [];

    internal RoutedLab()
    {
        Client = Make("client");
        Router = Make("router");
        Server = Make("server");
        _made.Add(VethLink.Create(Client, "edit0", ["10.78.1.1/24"], Router, "edit1", ["10.78.1.2/24"]));
        _made.Add(VethLink.Create(Router, "edit2", ["10.78.2.2/24"], Server, "edit3", [$"{ServerAddress}/24"]));
        Router.Run(() => File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1"));
        Route(Client, "10.78.1.2");
        Route(Server, "10.78.2.2");
    }

    internal NetworkNamespace Client { get; }

    internal NetworkNamespace Router { get; }

    internal NetworkNamespace Server { get; }

    internal NetworkNamespace this[string name] => name switch
    {
        "client" => Client,
        "router" => Router,
        "server" => Server,
        _ => throw new ArgumentException(name, nameof(name)),
    };

    public void Dispose()
    {
        for (int i = _made.Count - 1; i >= 0; i--)
        {
            _made[i].Dispose();
        }
    }

    private static void Route(NetworkNamespace from, string gateway) => Assert.Equal(0, ChildProcess.Run(from, "ip", "route", "add", "default", "via", gateway).ExitCode);

    private NetworkNamespace Make(string name)
    {
        NetworkNamespace made = KernelTest.CreateNamespace(name);
        _made.Add(made);
        return made;
    }
}
