namespace Interceptor.Interop;

/// <summary>
/// Translates between the LINKTYPE_ numbers of capture files and the DLT_ numbers that libpcap takes on Linux. Most are the same number;
/// those that the BSDs assigned differently before there was a registry are not (libpcap, pcap-common.c).
/// </summary>
internal static class LibPcapLinkType
{
    private const int DLT_ATM_RFC1483 = 11;
    private const int DLT_RAW = 12;
    private const int DLT_SLIP_BSDOS = 15;
    private const int DLT_PPP_BSDOS = 16;
    private const int DLT_ATM_CLIP = 19;

    /// <summary>Linux cooked capture, version 2; the file's number is the same.</summary>
    internal const int DLT_LINUX_SLL2 = 276;

    private const int LINKTYPE_RAW_OPENBSD = 14;
    private const int LINKTYPE_ATM_RFC1483 = 100;
    private const int LINKTYPE_RAW = 101;
    private const int LINKTYPE_SLIP_BSDOS = 102;
    private const int LINKTYPE_PPP_BSDOS = 103;
    private const int LINKTYPE_ATM_CLIP = 106;

    /// <summary>What libpcap calls a link type of a capture file.</summary>
    internal static int ToDlt(int linkType) => linkType switch
    {
        LINKTYPE_RAW or LINKTYPE_RAW_OPENBSD => DLT_RAW,
        LINKTYPE_ATM_RFC1483 => DLT_ATM_RFC1483,
        LINKTYPE_SLIP_BSDOS => DLT_SLIP_BSDOS,
        LINKTYPE_PPP_BSDOS => DLT_PPP_BSDOS,
        LINKTYPE_ATM_CLIP => DLT_ATM_CLIP,
        _ => linkType,
    };

    /// <summary>What a capture file calls libpcap's link type.</summary>
    internal static int FromDlt(int dlt) => dlt switch
    {
        DLT_RAW => LINKTYPE_RAW,
        DLT_ATM_RFC1483 => LINKTYPE_ATM_RFC1483,
        DLT_SLIP_BSDOS => LINKTYPE_SLIP_BSDOS,
        DLT_PPP_BSDOS => LINKTYPE_PPP_BSDOS,
        DLT_ATM_CLIP => LINKTYPE_ATM_CLIP,
        _ => dlt,
    };
}
