namespace Interceptor.Tcp;

/// <summary>How the capture shows the beginning of a connection.</summary>
public enum TcpOpening
{
    /// <summary>No SYN was seen.</summary>
    Midstream,

    /// <summary>At least one SYN was seen.</summary>
    Handshake,
}
