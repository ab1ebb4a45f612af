using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Interceptor.Interop;

/// <summary>
/// Two network namespaces joined by a veth pair, with addresses, everything up, loopback too. Nothing is written to the file system.
/// The pair goes with either namespace, or by <see cref="Dispose"/>. Any thread.
/// <para>Packets on a veth pair are not finished by hardware: what is captured there shows super-packets of up to 64 KiB and partial TCP
/// checksums (only the pseudo-header's sum), although the receiver takes them as valid.</para>
/// </summary>
internal sealed class VethLink : IDisposable
{
    private static readonly TimeSpan CarrierTime = TimeSpan.FromSeconds(5);

    private readonly NetworkNamespace _namespaceA;
    private bool _disposed;

    private VethLink(NetworkNamespace a, string nameA, string nameB)
    {
        _namespaceA = a;
        NameA = nameA;
        NameB = nameB;
    }

    /// <summary>The interface's name in the first namespace.</summary>
    internal string NameA { get; }

    /// <summary>The interface's name in the second namespace.</summary>
    internal string NameB { get; }

    /// <summary>The interface's index in the first namespace.</summary>
    internal int IndexA { get; private init; }

    /// <summary>The interface's index in the second namespace.</summary>
    internal int IndexB { get; private init; }

    /// <summary>Makes the pair with one address each, as <c>10.77.0.1/24</c>.</summary>
    internal static VethLink Create(NetworkNamespace a, string nameA, string addressA, NetworkNamespace b, string nameB, string addressB) =>
        Create(a, nameA, [addressA], b, nameB, [addressB]);

    /// <summary>Makes the pair with any number of addresses, as <c>10.77.0.1/24</c> or <c>fd77::1/64</c>. Returns when packets can flow.</summary>
    /// <exception cref="FormatException">An address is none.</exception>
    /// <exception cref="LinuxException">EPERM without CAP_NET_ADMIN; EEXIST for a name in use; ETIMEDOUT where no carrier came.</exception>
    internal static VethLink Create(
        NetworkNamespace a, string nameA, IReadOnlyList<string> addressesA, NetworkNamespace b, string nameB, IReadOnlyList<string> addressesB)
    {
        using (FileDescriptor namespaceB = b.OpenHandle())
        {
            a.Run(() =>
            {
                using RouteNetlink netlink = RouteNetlink.Open();
                netlink.CreateVeth(nameA, nameB, namespaceB);
            });
        }

        try
        {
            int indexA = a.Run(() => BringUp(nameA, addressesA));
            int indexB = b.Run(() => BringUp(nameB, addressesB));
            a.Run(() => AwaitCarrier(indexA, nameA));
            b.Run(() => AwaitCarrier(indexB, nameB));
            return new VethLink(a, nameA, nameB) { IndexA = indexA, IndexB = indexB };
        }
        catch
        {
            a.Run(() => Delete(nameA));
            throw;
        }
    }

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _namespaceA.Run(() => Delete(NameA));
        }
    }

    private static int BringUp(string name, IReadOnlyList<string> addresses)
    {
        using RouteNetlink netlink = RouteNetlink.Open();
        netlink.SetUp(netlink.InterfaceIndex("lo"));
        int index = netlink.InterfaceIndex(name);
        foreach (string text in addresses)
        {
            (IPAddress address, int prefixLength) = ParseAddress(text);
            netlink.AddAddress(index, address, prefixLength);
        }

        netlink.SetUp(index);
        return index;
    }

    /// <summary>The kernel notices a carrier a moment after both ends are up (linkwatch, a work queue); until then packets are dropped.</summary>
    private static void AwaitCarrier(int index, string name)
    {
        using RouteNetlink netlink = RouteNetlink.Open();
        long start = Stopwatch.GetTimestamp();
        while (!netlink.IsOperational(index))
        {
            if (Stopwatch.GetElapsedTime(start) > CarrierTime)
            {
                throw new LinuxException(Errno.ETIMEDOUT, "wait for carrier", $"interface {name}");
            }

            Thread.Sleep(1);
        }
    }

    private static void Delete(string name)
    {
        using RouteNetlink netlink = RouteNetlink.Open();
        try
        {
            netlink.DeleteLink(netlink.InterfaceIndex(name));
        }
        catch (LinuxException exception) when (exception.Errno == Errno.ENODEV)
        {
            // It went with the other namespace.
        }
    }

    private static (IPAddress Address, int PrefixLength) ParseAddress(string text)
    {
        int slash = text.IndexOf('/');
        if (slash < 0 || !IPAddress.TryParse(text.AsSpan(0, slash), out IPAddress? address)
            || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int prefixLength)
            || prefixLength > (address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128))
        {
            throw new FormatException($"'{text}' is not an address with a prefix length, as 10.77.0.1/24.");
        }

        return (address, prefixLength);
    }
}
