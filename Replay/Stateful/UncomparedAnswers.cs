using System.Text;
using System.Text.RegularExpressions;

namespace Interceptor.Replay.Stateful;

/// <summary>Answers that are taken as they come, whatever their bytes are: those to what matches a regular expression.</summary>
internal static class UncomparedAnswers
{
    /// <summary>
    /// What the peer sent between something that matches and the next thing that was sent behind the answer is not compared any more; as many bytes must come.
    /// </summary>
    /// <param name="own">What the played side sent: each packet's data are looked at, up to <see cref="StreamMask.Reach"/> bytes.</param>
    /// <param name="peer">What it is compared with.</param>
    /// <param name="questions">Applied to the bytes as Latin-1 text.</param>
    internal static void Forget(ScriptStream own, ScriptStream peer, IReadOnlyList<Regex> questions)
    {
        var ranges = new List<(long From, long To)>();
        var bytes = new byte[StreamMask.Reach];
        for (int index = 0; index < own.Pieces.Length && questions.Count > 0; index++)
        {
            ScriptPiece piece = own.Pieces[index];
            int length = ((IExpectedBytes)own).ReadKnown(piece.Offset, bytes.AsSpan(0, (int)Math.Min(bytes.Length, own.EndOf(index) - piece.Offset)));
            string text = Encoding.Latin1.GetString(bytes, 0, length);
            if (questions.Any(question => question.IsMatch(text)))
            {
                ranges.Add((piece.PeerOffset, EndOfAnswer(own, index, peer)));
            }
        }

        foreach ((long from, long to) in ranges)
        {
            peer.Forget(from, Math.Min(to, peer.Length));
        }
    }

    private static long EndOfAnswer(ScriptStream own, int question, ScriptStream peer)
    {
        long from = own.Pieces[question].PeerOffset;
        foreach (ScriptPiece piece in own.Pieces[question..])
        {
            if (piece.PeerOffset > from)
            {
                return piece.PeerOffset;
            }
        }

        return peer.Length;
    }
}
