using System.Runtime.InteropServices;
using System.Text;

namespace Interceptor.Interop;

/// <summary>
/// An owned <c>pcap_t</c>. Disposing closes it when the last call in it has returned.
/// <para>Threads: one at a time, but for the counters, which may be read while another thread takes packets.</para>
/// </summary>
internal sealed unsafe partial class LibPcapHandle : SafeHandle
{
    public LibPcapHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>libpcap's word for the last failure on this handle, without a trailing full stop.</summary>
    internal string LastError => Text(LibPcap.pcap_geterr(this)).TrimEnd('.');

    /// <summary>The link-layer type as the DLT number of this system.</summary>
    internal int DataLink => LibPcap.pcap_datalink(this);

    /// <summary>Bytes kept of a packet.</summary>
    internal int SnapLength => LibPcap.pcap_snapshot(this);

    /// <summary>A handle that only compiles filters.</summary>
    internal static LibPcapHandle OpenDead(int dlt, int snapLength)
    {
        LibPcap.Require();
        LibPcapHandle handle = LibPcap.pcap_open_dead(dlt, snapLength);
        return handle.IsInvalid ? throw new LinuxException(Errno.ENOMEM, "pcap_open_dead", "") : handle;
    }

    /// <summary>
    /// A handle that compiles filters as for a capture file of this link type: where the machine that captured decides what a header holds (the protocol
    /// families of BSD loopback), libpcap then asks for what any machine may have written, and without a file only for what this one would.
    /// </summary>
    /// <param name="linkType">The LINKTYPE_ number.</param>
    /// <param name="snapLength">What a program returns for a match.</param>
    /// <param name="swapped">The file is of a machine of the other byte order.</param>
    internal static LibPcapHandle OpenEmptyFile(int linkType, int snapLength, bool swapped)
    {
        LibPcap.Require();
        ReadOnlySpan<uint> fields = [0xA1B2C3D4, BitConverter.IsLittleEndian ? 0x0004_0002u : 0x0002_0004u, 0, 0, (uint)snapLength, (uint)linkType];
        Span<byte> header = stackalloc byte[fields.Length * sizeof(uint)];
        MemoryMarshal.AsBytes(fields).CopyTo(header);
        for (int at = 0; swapped && at < header.Length; at += sizeof(uint))
        {
            // The second field is two numbers of 16 bits.
            header.Slice(at, at == 4 ? 2 : 4).Reverse();
            header.Slice(at + 2, at == 4 ? 2 : 0).Reverse();
        }

        using FileDescriptor file = Libc.memfd_create("empty.pcap", Libc.MFD_CLOEXEC);
        fixed (byte* pointer = header)
        {
            if (file.IsInvalid || Libc.write(file, pointer, (nuint)header.Length) != header.Length)
            {
                throw LinuxException.FromLastError("memfd_create", "");
            }
        }

        byte* message = stackalloc byte[LibPcap.PCAP_ERRBUF_SIZE];
        message[0] = 0;
        LibPcapHandle handle = LibPcap.pcap_open_offline($"/proc/self/fd/{file.Number}", message);
        return handle.IsInvalid ? throw new LinuxException(Errno.EIO, "pcap_open_offline", "an empty file", Text(message)) : handle;
    }

    /// <summary>A handle for a live interface, not yet activated.</summary>
    internal static LibPcapHandle Create(string device)
    {
        LibPcap.Require();
        byte* message = stackalloc byte[LibPcap.PCAP_ERRBUF_SIZE];
        message[0] = 0;
        LibPcapHandle handle = LibPcap.pcap_create(device, message);
        return handle.IsInvalid ? throw new LinuxException(Errno.EIO, "pcap_create", $"interface {device}", Text(message)) : handle;
    }

    /// <summary>Sets everything that must be set before <see cref="Activate"/>; the precision is nanoseconds.</summary>
    /// <param name="snapLength">Bytes kept of a packet.</param>
    /// <param name="promiscuous">Packets for other machines too.</param>
    /// <param name="timeoutMilliseconds">How long the kernel may gather packets before it wakes the reader.</param>
    /// <param name="bufferBytes">Size of the kernel's ring.</param>
    /// <param name="immediate">Every packet wakes the reader.</param>
    internal void Configure(int snapLength, bool promiscuous, int timeoutMilliseconds, int bufferBytes, bool immediate)
    {
        // These fail on an activated handle only.
        _ = LibPcap.pcap_set_snaplen(this, snapLength);
        _ = LibPcap.pcap_set_promisc(this, promiscuous ? 1 : 0);
        _ = LibPcap.pcap_set_timeout(this, timeoutMilliseconds);
        _ = LibPcap.pcap_set_buffer_size(this, bufferBytes);
        _ = LibPcap.pcap_set_immediate_mode(this, immediate ? 1 : 0);
        _ = LibPcap.pcap_set_tstamp_precision(this, LibPcap.PCAP_TSTAMP_PRECISION_NANO);
    }

    /// <summary>Starts capturing: 0, a warning above 0, or a PCAP_ERROR_ number.</summary>
    internal int Activate() => LibPcap.pcap_activate(this);

    /// <summary>True if time stamps come in nanoseconds, false for microseconds.</summary>
    internal bool HasNanoseconds => LibPcap.pcap_get_tstamp_precision(this) == LibPcap.PCAP_TSTAMP_PRECISION_NANO;

    /// <summary>Compiles a filter for this handle's link type; null with libpcap's message if it does not compile.</summary>
    internal PcapInstruction[]? Compile(string expression, out string error)
    {
        PcapProgram program;
        lock (LibPcap.CompilerLock)
        {
            if (LibPcap.pcap_compile(this, &program, expression, 1, LibPcap.PCAP_NETMASK_UNKNOWN) != 0)
            {
                error = LastError;
                return null;
            }
        }

        error = "";
        PcapInstruction[] copy = new ReadOnlySpan<PcapInstruction>(program.Instructions, checked((int)program.Length)).ToArray();
        LibPcap.pcap_freecode(&program);
        return copy;
    }

    /// <summary>Compiles a filter and puts it into the kernel; false with libpcap's message if it does not compile or is refused.</summary>
    internal bool TrySetFilter(string expression, out string error)
    {
        PcapProgram program;
        lock (LibPcap.CompilerLock)
        {
            if (LibPcap.pcap_compile(this, &program, expression, 1, LibPcap.PCAP_NETMASK_UNKNOWN) != 0)
            {
                error = LastError;
                return false;
            }
        }

        int result = LibPcap.pcap_setfilter(this, &program);
        error = result == 0 ? "" : LastError;
        LibPcap.pcap_freecode(&program);
        return result == 0;
    }

    /// <summary>Chooses another of the device's link types, by its DLT number; false where it has no such.</summary>
    internal bool TrySetDataLink(int dlt) => LibPcap.pcap_set_datalink(this, dlt) == 0;

    /// <summary>Chooses who stamps the packets, before <see cref="Activate"/>; false where the device can't.</summary>
    internal bool TrySetTimeSource(string name) => LibPcap.pcap_tstamp_type_name_to_val(name) is >= 0 and var type && LibPcap.pcap_set_tstamp_type(this, type) == 0;

    /// <summary>The counters since activation; false with a message in <see cref="LastError"/>.</summary>
    internal bool TryGetCounters(out PcapCounters counters)
    {
        PcapCounters read;
        bool done = LibPcap.pcap_stats(this, &read) == 0;
        counters = done ? read : default;
        return done;
    }

    /// <summary>libpcap's words for an activation result.</summary>
    internal static string StatusText(int status) => Text(LibPcap.pcap_statustostr(status)).TrimEnd('.');

    /// <summary>libpcap's own verdict of a program on a packet (0 rejects), as the measure for ours.</summary>
    internal static int OfflineFilter(ReadOnlySpan<PcapInstruction> program, ReadOnlySpan<byte> data, int originalLength)
    {
        var header = new PcapPacketHeader { CapturedLength = (uint)data.Length, OriginalLength = (uint)originalLength };
        byte none = 0;
        fixed (PcapInstruction* instructions = program)
        fixed (byte* bytes = data)
        {
            var native = new PcapProgram { Length = (uint)program.Length, Instructions = instructions };
            return LibPcap.pcap_offline_filter(&native, &header, bytes is null ? &none : bytes);
        }
    }

    /// <summary>libpcap's own listing of one instruction. Its buffer is static: one thread at a time.</summary>
    internal static string Image(PcapInstruction instruction, int index) => Text(LibPcap.bpf_image(&instruction, index));

    internal static string Text(byte* text) =>
        text is null ? "" : Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));

    protected override bool ReleaseHandle()
    {
        LibPcap.pcap_close(handle);
        return true;
    }
}
