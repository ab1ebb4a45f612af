namespace Interceptor.Capture.Intercept;

/// <summary>A header field that an interception may set in every packet that has it.</summary>
public enum SettableField
{
    /// <summary>Time to live, or hop limit: <c>ttl</c>, 8 bits.</summary>
    TimeToLive,

    /// <summary>DSCP and ECN bits: <c>tos</c>, 8 bits.</summary>
    TypeOfService,

    /// <summary>IPv4's identification: <c>ip.id</c>, 16 bits.</summary>
    Identification,

    /// <summary>TCP's window as it stands in the header, not scaled: <c>tcp.window</c>, 16 bits.</summary>
    Window,
}
