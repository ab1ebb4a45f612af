using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Interceptor.Testing;

namespace Interceptor.Tests.Tcp;

/// <summary>The memory of the whole process stays within <c>--max-memory</c>, whatever a capture brings.</summary>
public sealed class TcpMemoryProcessTests
{
    private const int Flows = 300_000;
    private const long Mebi = 1024 * 1024;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_flood_keeps_the_process_within_its_limit_and_every_connection_is_told(bool isAnswered)
    {
        string file = Path.GetTempFileName();
        try
        {
            WriteFlood(file, isAnswered);
            ProcessStartInfo start = CliProcess.StartInfo("tcp", "--json", "--no-hash", "--max-memory", "128MiB", file);
            using Process process = Process.Start(start)!;
            process.StandardInput.Close();
            Task<string> error = process.StandardError.ReadToEndAsync();
            long peak = 0;
            int next = 0;
            string last = "";
            while (await process.StandardOutput.ReadLineAsync() is { } line)
            {
                last = line;
                if (line.StartsWith("{\"type\":\"connection\"", StringComparison.Ordinal))
                {
                    Assert.StartsWith(string.Create(CultureInfo.InvariantCulture, $"{{\"type\":\"connection\",\"id\":{next++},"), line);
                }

                // The first lines come when everything was read, and the peak is that of the life so far.
                peak = next % 50_000 == 1 ? Math.Max(peak, PeakOf(process)) : peak;
            }

            await process.WaitForExitAsync();
            Assert.Equal(0, process.ExitCode);
            Assert.Equal(Flows, next);
            Assert.InRange(peak, 30 * Mebi, 128 * Mebi);
            JsonElement summary = JsonDocument.Parse(last).RootElement;
            Assert.InRange(summary.GetProperty(isAnswered ? "evicted_idle" : "evicted_half_open").GetInt64(), 1, Flows);
            Assert.Contains("--max-memory was reached", await error, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static long PeakOf(Process process)
    {
        string line = File.ReadLines($"/proc/{process.Id}/status").First(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) * 1024;
    }

    private static void WriteFlood(string path, bool isAnswered)
    {
        using var stream = new BufferedStream(File.Create(path), 1 << 20);
        Span<byte> header = stackalloc byte[24];
        BinaryPrimitives.WriteUInt32LittleEndian(header, 0xA1B2C3D4);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], 4);
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], 65535);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], 101);
        stream.Write(header);
        for (uint i = 0; i < Flows; i++)
        {
            WriteSegment(stream, i, 0x0A000000 + i, 0xC0000201, 1025, 80, 7, 0, flags: 2);
            if (isAnswered)
            {
                WriteSegment(stream, i, 0xC0000201, 0x0A000000 + i, 80, 1025, 9, 8, flags: 18);
                WriteSegment(stream, i, 0x0A000000 + i, 0xC0000201, 1025, 80, 8, 10, flags: 16);
            }
        }
    }

    // Raw IP: 20 bytes of IPv4, 20 of TCP.
    private static void WriteSegment(Stream stream, uint at, uint source, uint destination, ushort from, ushort to, uint sequence, uint ack, byte flags)
    {
        Span<byte> record = stackalloc byte[16 + 40];
        record.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(record, 1_700_000_000 + (at / 100_000));
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], at % 100_000);
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], 40);
        BinaryPrimitives.WriteUInt32LittleEndian(record[12..], 40);
        Span<byte> ip = record[16..];
        ip[0] = 0x45;
        ip[3] = 40;
        ip[8] = 64;
        ip[9] = 6;
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], source);
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], destination);
        Span<byte> tcp = ip[20..];
        BinaryPrimitives.WriteUInt16BigEndian(tcp, from);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[2..], to);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], sequence);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[8..], ack);
        tcp[12] = 0x50;
        tcp[13] = flags;
        BinaryPrimitives.WriteUInt16BigEndian(tcp[14..], 64000);
        stream.Write(record);
    }
}
