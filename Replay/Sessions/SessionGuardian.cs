using System.Text.Json;
using Interceptor.Checkpoint;
using Interceptor.Interop;

namespace Interceptor.Replay;

/// <summary>
/// The guard's side, in a process of its own: what a program does that <see cref="SessionCheckpointOptions.GuardCommand"/> or <see cref="SessionMoveOptions.GuardCommand"/> names,
/// or <see cref="SessionSetCheckpointOptions.GuardCommand"/>. Before the freeze it duplicates the owner's pidfd, the sockets and both queues; if the guarded process ends without a farewell,
/// it lets the connections go on with their owner, or, where an original is closed already, sees that the image or the whole set is on disk and the lock in the firewall.
/// </summary>
public static class SessionGuardian
{
    /// <summary>Serves one guarded process and returns when it has said farewell or was replaced.</summary>
    /// <param name="orders">Standard input, a pipe from the guarded process: its end is that process's end.</param>
    /// <param name="answers">Standard output.</param>
    /// <param name="report">Gets a sentence for people on what was done, if anything was.</param>
    public static void Run(TextReader orders, TextWriter answers, Action<string> report)
    {
        ArgumentNullException.ThrowIfNull(orders);
        ArgumentNullException.ThrowIfNull(answers);
        ArgumentNullException.ThrowIfNull(report);

        // Ctrl-C is for the process that is guarded, and a signal to its whole group is, too.
        ProcessSession.Begin();
        using var ward = new SessionWard();
        while (orders.ReadLine() is { } line)
        {
            if (line == SessionGuard.ResumedWord)
            {
                ward.LetGo();
                continue;
            }

            bool isFarewell = line == SessionGuard.AllClear;
            answers.Write($"{(isFarewell ? End(ward) : Obey(ward, line))}\n");
            answers.Flush();
            if (isFarewell)
            {
                return;
            }
        }

        ward.Rescue(report);
    }

    private static string End(SessionWard ward)
    {
        ward.Dispose();
        return SessionGuard.Done;
    }

    private static string Obey(SessionWard ward, string line)
    {
        try
        {
            if (line.StartsWith(SessionGuard.EntrustWord, StringComparison.Ordinal))
            {
                ward.Entrust(int.Parse(line.AsSpan(SessionGuard.EntrustWord.Length), System.Globalization.CultureInfo.InvariantCulture));
            }
            else
            {
                ward.Arm(JsonSerializer.Deserialize(line, SessionGuardJson.Default.SessionGuardOrder)!);
            }

            return SessionGuard.Done;
        }
        catch (Exception exception) when (exception is IOException or JsonException or FormatException or CheckpointException)
        {
            return exception.Message.ReplaceLineEndings(" ");
        }
    }
}
