namespace Interceptor.Capture.Files;

/// <summary>Which options of a block are taken over.</summary>
internal enum PcapNgOptionScope
{
    /// <summary>All that may be copied.</summary>
    All,

    /// <summary>Those that hold for a packet whose bytes changed: no hash.</summary>
    OfChanged,

    /// <summary>Those that hold for a further packet made of one: its flags.</summary>
    OfPiece,

    /// <summary>Those in which no address stands: of an interface no addresses and no filter.</summary>
    WithoutAddresses,
}
