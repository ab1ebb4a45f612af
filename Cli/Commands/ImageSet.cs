using System.Globalization;
using Interceptor.Checkpoint;
using Interceptor.Cli.Output;
using Interceptor.Replay;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor image SET</c>: checks every image of a set and lists them.</summary>
internal static class ImageSet
{
    internal static int Show(string path, SessionKey? key, CommandOutput output)
    {
        SessionSet set = SessionSet.Read(path);
        string? restored = SessionRestoreMark.ReadFrom(path);
        var table = new TextTable("LOCAL", "PEER", "STATE", " UNREAD", " QUEUED", " HELD", "IMAGE");
        foreach (SessionSetMember member in set.Members)
        {
            SessionImage? image = set.KeyFingerprint is null || key is not null ? SessionFiles.Read(set, member, key) : Checked(set, member);
            if (output.Json)
            {
                output.WriteJson("connection", json => CheckpointSet.WriteMember(json, set, member));
            }
            else
            {
                table.Add(
                    member.Local, member.Peer, member.State, Number(image?.Snapshot.UnreadBytes), Number(image?.Snapshot.QueuedBytes), Number(image?.HeldPackets.Count),
                    Printable.Escape(member.Directory));
            }
        }

        if (output.Json)
        {
            CheckpointSet.WriteLeftOut(output, set);
            output.WriteJson("summary", json =>
            {
                json.WriteString("set", path);
                json.WriteString("set_id", set.Id);
                json.WriteNumber("connections", set.Members.Count);
                json.WriteNumber("left_out", set.LeftOut.Count);
                json.WriteString("lock", set.Lock?.Comment);
                json.WriteString("restored", restored);
            });
            return ExitCode.Done;
        }

        output.Text.Write(Printable.Escape(
            $"set {set.Id}: {Counted.Of(set.Members.Count, "connection")} of process {set.Pid} ({set.Program}), lock {set.Lock?.Comment ?? "none"}, restored {restored ?? "never"}") + "\n");
        table.Write(output.Text);
        return ExitCode.Done;
    }

    /// <summary>Without the key its files are still checked.</summary>
    private static SessionImage? Checked(SessionSet set, SessionSetMember member)
    {
        _ = SessionImageDirectory.ReadDocument(set.PathOf(member));
        return null;
    }

    private static string Number(int? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "-";
}
