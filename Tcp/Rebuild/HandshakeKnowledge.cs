namespace Interceptor.Tcp.Rebuild;

/// <summary>
/// What both ends agreed on, from the SYNs that were seen, from what only an agreement makes possible, and from what was given. A SYN-ACK answers: what it does not have was not agreed on,
/// what it has was offered.
/// </summary>
internal sealed class HandshakeKnowledge
{
    private readonly List<string> _assumed = [];
    private readonly List<string> _missing = [];
    private readonly List<string> _contradicted = [];

    internal HandshakeKnowledge(TcpEndpoint own, bool hasSack, HandshakeAssumptions given)
    {
        HandshakeOptions answer = own.Connection.Server.Offer;
        HandshakeOptions question = own.Connection.Client.Offer;
        HandshakeOptions peer = own.Peer.Offer;
        Mss = Resolve("mss", peer.IsKnown ? peer.MaximumSegmentSize ?? TcpEndpoint.DefaultSegmentSize : null, given.Mss);
        bool? scaling = Agreed(question, answer, static offer => offer.WindowScale is not null);
        bool? givenScaling = given.WindowScaling ?? (given.SndWindowScale is not null || given.RcvWindowScale is not null ? true : null);
        if (scaling is { } known && givenScaling is { } other && known != other)
        {
            _contradicted.Add("window-scale");
        }

        WindowScaling = scaling ?? givenScaling ?? true;
        if (scaling is null && givenScaling is not null)
        {
            _assumed.Add("window_scaling");
        }

        if (WindowScaling)
        {
            SndWindowScale = Resolve("snd-window-scale", ShiftOf(peer), given.SndWindowScale);
            RcvWindowScale = Resolve("rcv-window-scale", ShiftOf(own.Offer), given.RcvWindowScale);
        }

        SackPermitted = Resolve("sack", AsNumber(Agreed(question, answer, static offer => offer.SackPermitted) ?? (hasSack ? true : null)), AsNumber(given.SackPermitted)) != 0;
    }

    internal int Mss { get; }

    internal bool WindowScaling { get; }

    internal int SndWindowScale { get; }

    internal int RcvWindowScale { get; }

    internal bool SackPermitted { get; }

    /// <summary>What was taken from what was given: names in session.json's options.</summary>
    internal IReadOnlyList<string> Assumed => _assumed;

    /// <summary>What is neither known nor given.</summary>
    internal IReadOnlyList<string> Missing => _missing;

    /// <summary>What was given, and the packets say otherwise.</summary>
    internal IReadOnlyList<string> Contradicted => _contradicted;

    private static bool? Agreed(in HandshakeOptions question, in HandshakeOptions answer, Func<HandshakeOptions, bool> has) =>
        answer.IsKnown ? has(answer) && (!question.IsKnown || has(question))
        : question.IsKnown && !has(question) ? false
        : null;

    private static int? ShiftOf(in HandshakeOptions offer) => offer.WindowScale is { } shift ? Math.Min((int)shift, 14) : null;

    private static int? AsNumber(bool? value) => value is { } known ? known ? 1 : 0 : null;

    private int Resolve(string name, int? known, int? given)
    {
        if (known is { } value)
        {
            if (given is { } other && other != value)
            {
                _contradicted.Add(name);
            }

            return value;
        }

        if (given is null)
        {
            _missing.Add(name);
            return 0;
        }

        _assumed.Add(name == "sack" ? "sack_permitted" : name.Replace('-', '_'));
        return given.Value;
    }
}
