using System.Globalization;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Testing.Tcp;

/// <summary>
/// A script that drives a <see cref="WriteQueue"/> as a sender: verbs <c>write N</c>, <c>close</c>, <c>purge</c>, <c>push</c> and <c>push-one</c> (limits: the MSS and
/// the peer's window); <c>fail</c> makes the network refuse the next segment. <c>&gt;</c> is a segment that a push must have produced, in order; <c>&lt;</c> acknowledges and sets the window.
/// </summary>
public sealed class WriteQueueScript : TcpScript
{
    private const int Mss = 1000;
    private const long Timeout = 200_000_000;

    private readonly WriteQueue _queue = new(new SequenceNumber(LocalIss), keepsBytes: true);
    private readonly Queue<QueuedSegment> _sent = [];
    private long _written = 1;
    private int _window = 65535;
    private bool _refuses;

    private WriteQueueScript(string script)
        : base(script)
    {
        _queue.QueueSyn();
        _queue.EventNewDataSent(1, Now, Timeout);
        _queue.Acknowledge(new SequenceNumber(LocalIss) + 1, Now, Timeout);
    }

    /// <summary>Runs the script on a queue whose SYN is acknowledged and gives the queue for further questions.</summary>
    public static WriteQueue Run(string script)
    {
        var runner = new WriteQueueScript(script);
        runner.RunLines();
        return runner._queue;
    }

    /// <inheritdoc/>
    protected override void Execute(TcpScriptLine line, List<string> sentences)
    {
        switch (line.Action)
        {
            case TcpScriptAction.In:
                _window = line.Window;
                _queue.Acknowledge(new SequenceNumber(unchecked(LocalIss + (uint)(line.Ack ?? 0))), Now, Timeout);
                break;
            case TcpScriptAction.Out when _sent.TryDequeue(out QueuedSegment segment):
                Expect("start", line.Start, segment.Start - new SequenceNumber(LocalIss), sentences);
                Expect("length", line.Length + (line.Flags.Contains('F') ? 1 : 0), segment.SequenceLength, sentences);
                break;
            case TcpScriptAction.Out:
                sentences.Add("no segment was sent");
                break;
            default:
                Do(line.Words, sentences);
                break;
        }
    }

    /// <inheritdoc/>
    protected override string? ValueOf(string field) => field switch
    {
        "SndUna" => Text(_queue.SndUna - new SequenceNumber(LocalIss)),
        "SndNxt" => Text(_queue.SndNxt - new SequenceNumber(LocalIss)),
        "WriteSeq" => Text(_queue.WriteSeq - new SequenceNumber(LocalIss)),
        "SendHead" => _queue.SendHead is { } head ? Text(head - new SequenceNumber(LocalIss)) : "none",
        "QueuedBytes" => Text(_queue.QueuedBytes),
        "UnsentBytes" => Text(_queue.UnsentBytes),
        "InFlightBytes" => Text(_queue.InFlightBytes),
        "Segments" => Text(_queue.SegmentCount),
        "Timer" => _queue.RetransmitDeadline is { } at ? Text((at - Now) / 1_000_000) : "off",
        _ => null,
    };

    /// <inheritdoc/>
    protected override void CheckInvariants(List<string> sentences)
    {
        if (!(_queue.SndUna <= _queue.SndNxt && _queue.SndNxt <= _queue.WriteSeq))
        {
            sentences.Add("SndUna <= SndNxt <= WriteSeq does not hold");
        }

        if (_queue.RetransmitDeadline.HasValue != (_queue.SndUna != _queue.SndNxt))
        {
            sentences.Add("the retransmission timer runs if and only if something is in flight");
        }

        var bytes = new byte[_queue.QueuedBytes];
        int copied = _queue.CopyBytes(_queue.SndUna, bytes);
        long first = _queue.SndUna - new SequenceNumber(LocalIss);
        if (copied != bytes.Length || bytes.Where((value, i) => value != PatternAt(isLocal: true, first + i)).Any())
        {
            sentences.Add("the queue does not hold the bytes from SndUna to WriteSeq");
        }
    }

    private void Do(string[] words, List<string> sentences)
    {
        switch (words)
        {
            case ["write", string count]:
                _queue.Append([.. Enumerable.Range(0, int.Parse(count, CultureInfo.InvariantCulture)).Select(_ => PatternAt(isLocal: true, _written++))]);
                break;
            case ["close"]:
                _queue.QueueFin();
                break;
            case ["purge"]:
                _queue.Purge();
                break;
            case ["fail"]:
                _refuses = true;
                break;
            case ["push"]:
                _queue.PushPending(Mss, _queue.SndUna + _window, Now, Timeout, Transmit);
                break;
            case ["push-one"]:
                _queue.PushOne(Mss, _queue.SndUna + _window, Now, Timeout, Transmit);
                break;
            default:
                sentences.Add($"there is no verb '{string.Join(' ', words)}'");
                break;
        }
    }

    private bool Transmit(QueuedSegment segment)
    {
        if (_refuses)
        {
            _refuses = false;
            return false;
        }

        _sent.Enqueue(segment);
        return true;
    }

    private static void Expect(string field, long expected, long actual, List<string> sentences)
    {
        if (expected != actual)
        {
            sentences.Add(Sentence(field, Text(expected), Text(actual)));
        }
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
