using System.Globalization;
using Interceptor.Checkpoint;
using Interceptor.Cli.Output;
using Interceptor.Interop;
using Interceptor.Replay;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor restore SET -- COMMAND ...</c>: goes on with all connections of a set.</summary>
internal static class RestoreSet
{
    internal static int Run(string directory, SessionRestoreOptions options, string[] program, CommandContext context)
    {
        if (program.Length == 0)
        {
            throw new UsageException($"{directory} is a set of connections: name the command that goes on with them (interceptor restore {directory} -- COMMAND), or one of its images.");
        }

        string path = ProgramImage.Find(program[0]) ?? throw new CheckpointException(
            "restore", $"there is no program '{program[0]}' that can be executed. Check the name.", "Nothing was changed: the images and their lock are as they were.");
        using SessionSetRestored restored = SessionSetRestore.Resume(directory, options);
        Announce(context.Output, restored);
        string names = string.Join(':', restored.Set.Members.Select(static member => member.Id));
        try
        {
            ProgramImage.Replace(
                path, program, RestoreCommand.Environment(directory, restored.Sockets.Count, names), [.. restored.Sockets.Select(static socket => socket.Descriptor)],
                RestoreCommand.FirstPassedDescriptor);
            return ExitCode.Failed;
        }
        catch (LinuxException exception)
        {
            throw TakenBack(restored, exception, options.Key);
        }
    }

    private static CheckpointException TakenBack(SessionSetRestored restored, LinuxException cause, SessionKey? key)
    {
        try
        {
            SessionSet set = restored.TakeBack(key);
            return new CheckpointException("restore", cause.Message, $"The connections were taken back, under a lock, into the set {set.Directory}: restore that.", cause: cause);
        }
        catch (Exception exception) when (exception is IOException or CheckpointException)
        {
            return new CheckpointException("restore", cause.Message, $"The connections could not be taken back either, and end: {exception.Message}", cause: cause);
        }
    }

    private static void Announce(CommandOutput output, SessionSetRestored restored)
    {
        foreach (RestoredSocket socket in restored.Sockets)
        {
            foreach (string warning in socket.Warnings)
            {
                output.Warn(warning);
            }
        }

        if (restored.Set.Lock is { } sessionLock && !restored.LockRemoved)
        {
            output.Warn($"the lock {sessionLock.Comment} was not in this network namespace: was it removed, or are the connections restored elsewhere?");
        }

        if (!output.Json)
        {
            double total = restored.Steps.Sum(static step => step.Elapsed.TotalMilliseconds);
            output.Warn(string.Create(CultureInfo.InvariantCulture, $"{Counted.Of(restored.Sockets.Count, "connection")} of {restored.Set.Directory} go on ({total:0.0} ms)."));
            return;
        }

        for (int i = 0; i < restored.Sockets.Count; i++)
        {
            int descriptor = RestoreCommand.FirstPassedDescriptor + i;
            SessionSetMember member = restored.Set.Members[i];
            output.WriteJson("connection", json =>
            {
                json.WriteNumber("descriptor", descriptor);
                CheckpointSet.WriteMember(json, restored.Set, member);
            });
        }

        output.WriteJson("summary", json =>
        {
            json.WriteString("set", restored.Set.Directory);
            json.WriteString("set_id", restored.Set.Id);
            json.WriteNumber("connections", restored.Sockets.Count);
            json.WriteBoolean("lock_removed", restored.LockRemoved);
            CheckpointSet.WriteSteps(json, restored.Steps);
        });
        output.Flush();
    }
}
