using System.Net.Sockets;
using System.Text;
using Interceptor.Packets;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>Segments with different bytes for one place, in every shape: the model's stream against what the kernel gave to its application.</summary>
public sealed class OverlapTruthTests
{
    // Byte 0 is kept back to the end unless a shape sends it: everything else waits behind that gap.
    private const int StreamLength = 48;

    /// <summary>Where each segment starts and ends, in the order of sending.</summary>
    public static TheoryData<string> Shapes =>
    [
        "10-20 10-20", // the same place
        "10-20 12-18", // inside
        "10-20 10-15", // inside, the same start
        "10-20 15-20", // inside, the same end
        "10-20 5-25", // around
        "10-20 10-25", // around, the same start
        "10-20 5-20", // around, the same end
        "10-20 5-15", // over the head
        "10-20 15-25", // over the tail
        "10-20 20-30 10-25", // two neighbours that joined
        "10-20 20-30 15-35",
        "20-30 10-20 15-25", // two neighbours that could not
        "20-30 10-20 10-25",
        "20-30 10-20 5-28",
        "10-14 16-20 22-26 12-24", // over several
        "10-14 16-20 22-26 8-30",
        "10-20 5-15 12-25", // a chain of three
        "10-20 5-15 15-25 3-30",
        "10-20 8-12 18-22 0-48", // in order over all that waits
        "10-20 0-15", // in order over the head of what waits
        "10-20 18-30 0-15",
        "10-20 0-12 5-25", // in order, then partly old
        "0-10 5-15", // old and new
        "0-10 0-10 10-20 5-12",
        "0-10 15-25 10-20 12-30",
        "30-40 10-20 20-25 25-32 18-38 5-12",
    ];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 60)];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_shape_of_overlap_is_resolved_as_the_kernel_does(string shape) => Compare(
        [.. shape.Split(' ').Select(range => range.Split('-')).Select(ends => (int.Parse(ends[0], null), int.Parse(ends[1], null)))]);

    // Starts are even and ends are odd: where a segment begins exactly at the end of another, the shape of the kernel's tree decides whether they join.
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Random_overlaps_are_resolved_as_the_kernel_does(int seed)
    {
        var random = new Random(seed);
        Compare([.. Enumerable.Range(0, 24).Select(_ =>
        {
            int start = 2 * random.Next(random.Next(6) == 0 ? 0 : 1, StreamLength / 2);
            return (start, Math.Min(StreamLength - 1, start + 1 + (2 * random.Next(8))));
        })]);
    }

    private static void Compare((int Start, int End)[] segments)
    {
        using var peer = new CraftedPeer();
        using Socket socket = peer.Connect();
        bool[] sent = new bool[StreamLength];
        for (int i = 0; i < segments.Length; i++)
        {
            (int start, int end) = segments[i];
            Send(peer, start, end, (char)('A' + i));
            sent.AsSpan(start, end - start).Fill(true);
        }

        FillHoles(peer, sent);
        peer.Send(1 + StreamLength, [], TcpFlags.Fin | TcpFlags.Ack);
        string read = ReadToEnd(socket);
        peer.FollowUntilAcknowledged(StreamLength + 2);
        Assert.Equal(StreamLength, read.Length);
        string sentAs = string.Join(' ', segments.Select(segment => $"{segment.Start}-{segment.End}"));
        Assert.True(Encoding.ASCII.GetString(peer.Followed) == read, $"of {sentAs} the kernel gave\n{read} and the model\n{Encoding.ASCII.GetString(peer.Followed)}");
        Assert.Equal(StreamLength, peer.OwnEnd.Stream.StreamBytes);
        Assert.True(peer.OwnEnd.Stream.ConflictingBytes > 0);
        Assert.Equal(0, peer.OwnEnd.Stream.UncomparedBytes);
    }

    // From the last to the first, so that the stream goes on only with the last of them.
    private static void FillHoles(CraftedPeer peer, bool[] sent)
    {
        for (int end = StreamLength; end > 0;)
        {
            if (sent[end - 1])
            {
                end--;
                continue;
            }

            int start = end;
            while (start > 0 && !sent[start - 1])
            {
                start--;
            }

            Send(peer, start, end, '.');
            end = start;
        }
    }

    private static void Send(CraftedPeer peer, int start, int end, char fill) => peer.Send(1 + start, Encoding.ASCII.GetBytes(new string(fill, end - start)));

    private static string ReadToEnd(Socket socket)
    {
        byte[] buffer = new byte[2 * StreamLength];
        int read = 0;
        for (int count; (count = socket.Receive(buffer.AsSpan(read))) > 0;)
        {
            read += count;
        }

        return Encoding.ASCII.GetString(buffer, 0, read);
    }
}
