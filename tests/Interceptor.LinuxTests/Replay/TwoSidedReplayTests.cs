using System.Text.Json;
using Interceptor.Capture.Files;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Replay;

/// <summary>A capture replayed on two links at once, recorded on the other end of each.</summary>
public sealed class TwoSidedReplayTests
{
    private const string SecondOfClient = "client1";
    private const string SecondOfServer = "server1";
    private const int Connections = 40;

    [Theory]
    [InlineData("auto", "--pps", "20000")]
    [InlineData("192.0.2.1", "--top-speed")]
    public void Each_end_gets_exactly_its_side_in_order(string sides, params string[] pace)
    {
        KernelTest.RequireTool("tcpdump");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("interceptor-test-");
        try
        {
            string capture = Path.Combine(folder.FullName, "sent.pcapng");
            (List<byte[]> client, List<byte[]> server) = WriteCapture(capture);
            using NetworkLab lab = NetworkLab.Create();
            using VethLink second = VethLink.Create(lab.Client, SecondOfClient, [], lab.Server, SecondOfServer, []);
            using var atFirst = new LinkRecording(lab.Server, NetworkLab.ServerInterface, Path.Combine(folder.FullName, "first.pcap"), client.Count, "net", "192.0.2.0/24");
            using var atSecond = new LinkRecording(lab.Server, SecondOfServer, Path.Combine(folder.FullName, "second.pcap"), server.Count, "net", "192.0.2.0/24");
            string[] arguments = ["replay", capture, "-i", NetworkLab.ClientInterface, "-I", SecondOfClient, "--sides", sides, .. pace, "--json"];
            CliResult result = lab.Client.Run(() => CliProcess.Run(arguments));
            Assert.True(result.ExitCode == 0, result.ToString());
            Assert.Equal(client, atFirst.ReadAll().Frames);
            Assert.Equal(server, atSecond.ReadAll().Frames);
            using JsonDocument summary = JsonDocument.Parse(Assert.Single(result.Lines));
            Assert.Equal(client.Count, summary.RootElement.GetProperty("client_packets").GetInt32());
            Assert.Equal(server.Count, summary.RootElement.GetProperty("server_packets").GetInt32());
            Assert.Equal(client.Count + server.Count, summary.RootElement.GetProperty("packets").GetInt32());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_second_interface_that_is_not_there_is_told_before_anything_is_sent()
    {
        string capture = Path.GetTempFileName();
        try
        {
            WriteCapture(capture);
            using NetworkLab lab = NetworkLab.Create();
            CliResult result = lab.Client.Run(() => CliProcess.Run("replay", capture, "-i", NetworkLab.ClientInterface, "-I", "none0"));
            Assert.True(result.ExitCode == 1, result.ToString());
            Assert.Contains("none0", result.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("sent in", result.Output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(capture);
        }
    }

    /// <summary>Connections of five packets each, the handshake in the middle of some: the server's side has 2 of 5.</summary>
    private static (List<byte[]> Client, List<byte[]> Server) WriteCapture(string path)
    {
        var client = new List<byte[]>();
        var server = new List<byte[]>();
        using CaptureFileWriter writer = CaptureFile.Create(path);
        for (int i = 0; i < Connections * 5; i++)
        {
            bool isServer = i % 5 is 1 or 3;
            TcpFlags flags = (i % 5) switch { 0 => TcpFlags.Syn, 1 => TcpFlags.Syn | TcpFlags.Ack, _ => TcpFlags.Ack };
            byte[] frame = Frame(isServer, (ushort)(20_000 + (i / 5)), flags, i);
            (isServer ? server : client).Add(frame);
            writer.Write(new CapturedPacket(frame, new PacketMetadata
            {
                Timestamp = new CaptureTimestamp(1_700_000_000_000_000_000 + (i * 1_000_000L)),
                HasTimestamp = true,
                OriginalLength = frame.Length,
                LinkType = LinkType.Ethernet,
            }));
        }

        return (client, server);
    }

    private static byte[] Frame(bool isServer, ushort clientPort, TcpFlags flags, int number)
    {
        MacAddress clientMac = MacAddress.FromBits(0x02005E005301);
        MacAddress serverMac = MacAddress.FromBits(0x02005E005302);
        IpAddress client = IpAddress.FromIpv4(0xC0000201);
        IpAddress server = IpAddress.FromIpv4(0xC0000202);
        return (isServer
            ? new PacketBuilder().Ethernet(serverMac, clientMac).Ipv4(server, client).Tcp(80, clientPort, new((uint)number), default, flags)
            : new PacketBuilder().Ethernet(clientMac, serverMac).Ipv4(client, server).Tcp(clientPort, 80, new((uint)number), default, flags))
            .Payload(new byte[20 + number]).ToArray();
    }
}
