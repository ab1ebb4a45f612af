namespace Interceptor.Tcp;

/// <summary>How far the capture shows the end of a connection.</summary>
public enum TcpClosing
{
    /// <summary>At least one direction is open.</summary>
    Open,

    /// <summary>Both ends sent their FIN.</summary>
    Fin,

    /// <summary>A RST ended it.</summary>
    Reset,
}
