namespace Interceptor.Capture.Files;

/// <summary>What a hash of a packet was computed with (epb_hash).</summary>
public enum PcapNgHashAlgorithm : byte
{
    /// <summary>The two's complement of the sum.</summary>
    TwosComplement = 0,

    /// <summary>Exclusive or.</summary>
    Xor = 1,

    /// <summary>CRC-32, 4 bytes.</summary>
    Crc32 = 2,

    /// <summary>MD5, 16 bytes.</summary>
    Md5 = 3,

    /// <summary>SHA-1, 20 bytes.</summary>
    Sha1 = 4,

    /// <summary>Toeplitz, as network cards spread packets over their queues.</summary>
    Toeplitz = 5,
}
