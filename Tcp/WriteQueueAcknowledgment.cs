namespace Interceptor.Tcp;

/// <summary>What an acknowledgment did to a <see cref="WriteQueue"/>; the default value is: nothing.</summary>
/// <param name="Bytes">Bytes newly acknowledged, without SYN and FIN.</param>
/// <param name="AcknowledgesSyn">The SYN is now acknowledged.</param>
/// <param name="AcknowledgesFin">The FIN is now acknowledged.</param>
/// <param name="RoundTrip">Time from sending to acknowledgment of the newest segment that left, ns; null where it would be ambiguous (Karn).</param>
public readonly record struct WriteQueueAcknowledgment(int Bytes, bool AcknowledgesSyn, bool AcknowledgesFin, long? RoundTrip)
{
    /// <summary>SndUna moved.</summary>
    public bool Advanced => Bytes > 0 || AcknowledgesSyn || AcknowledgesFin;
}
