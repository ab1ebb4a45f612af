using FsCheck;
using FsCheck.Fluent;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Files;

public sealed class MutationTests
{
    private static readonly byte[][] Seeds =
    [
        TestPackets.WritePcapNg(TestPackets.Packet(60) with { Options = new() { Comment = "c", Queue = 1 } }, TestPackets.Packet(7), TestPackets.Packet(0)),
        TestPackets.Write(stream => new PcapWriter(stream, leaveOpen: true), [TestPackets.Packet(60), TestPackets.Packet(7)]),
    ];

    [Fact]
    public void A_damaged_file_throws_nothing_but_the_file_exception()
    {
        Gen<byte[]> mutated =
            from seed in Gen.Elements(Seeds)
            from edits in Gen.ArrayOf(Gen.Zip(Gen.Choose(0, seed.Length - 1), Gen.Choose(0, 255)))
            from length in Gen.Frequency((3, Gen.Constant(seed.Length)), (1, Gen.Choose(0, seed.Length)))
            select Edit(seed, edits, length);
        PropertyCheck.ForAll(mutated.ToArbitrary(), ReadsOrRefuses, count: 2000);
    }

    [Fact]
    public void Random_bytes_after_a_magic_throw_nothing_but_the_file_exception()
    {
        Gen<byte[]> random =
            from magic in Gen.Elements(0xA1B2C3D4u, 0xA1B23C4Du, 0xA1B2CD34u, 0x0A0D0D0Au, 0x00088B1Fu)
            from rest in Gen.ArrayOf(Gen.Choose(0, 255).Select(value => (byte)value))
            select (byte[])[.. BitConverter.GetBytes(magic), .. rest];
        PropertyCheck.ForAll(random.ToArbitrary(), ReadsOrRefuses, count: 1000);
    }

    private static byte[] Edit(byte[] seed, (int Index, int Value)[] edits, int length)
    {
        byte[] copy = [.. seed];
        foreach ((int index, int value) in edits.Take(4))
        {
            copy[index] = (byte)value;
        }

        return copy[..length];
    }

    private static void ReadsOrRefuses(byte[] file)
    {
        try
        {
            using CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(file), "memory");
            while (reader.TryRead(out CapturedPacket packet))
            {
                Assert.InRange(packet.Data.Length, 0, packet.Metadata.OriginalLength);
                reader.ReadPacketOptions();
            }
        }
        catch (CaptureFileException)
        {
            // The one way to refuse.
        }
    }
}
