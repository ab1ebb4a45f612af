using System.Collections.Concurrent;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Capture.Live;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

/// <summary>
/// Each condition alone and each pair of them, with every way to keep files, to name them and to pack them: 180 recordings of the same traffic, 60 at once. Of every file that was closed
/// is checked that it ended where its conditions say, at no packet sooner or later, and that the files together hold each packet once.
/// </summary>
public sealed class RotationTableTests : IDisposable
{
    private const int SizeLimit = 20_000;
    private const int PacketLimit = 25;
    private const int RingFiles = 3;
    private const int Budget = 150_000;
    private const long Grace = 200_000_000;
    private static readonly TimeSpan Duration = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan Clock = TimeSpan.FromSeconds(1);
    private static readonly string[] Conditions = ["size", "duration", "clock", "packets"];

    private readonly NetworkLab _lab = NetworkLab.Create();
    private readonly string _directory = Directory.CreateTempSubdirectory("interceptor-test").FullName;

    public void Dispose()
    {
        _lab.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".gz")]
    [InlineData(".zst")]
    public void Every_pair_of_conditions_ends_files_at_their_boundaries_however_they_are_kept_named_and_packed(string extension)
    {
        using var sender = new LoopbackSender(_lab.Client);
        using var traffic = new Traffic(sender);
        Recording[] recordings = [.. CasesOf(extension).Select(one => one.Start(_lab.Client, sender.Port, _directory))];
        try
        {
            int last = traffic.RunToEnd();
            foreach (Recording recording in recordings)
            {
                recording.End(last);
            }
        }
        finally
        {
            Array.ForEach(recordings, static recording => recording.Dispose());
        }

        // What the traffic is for: each condition ended files, beside the others too. (What is packed is measured when its 25th packet is long there.)
        Assert.All(recordings, static recording => recording.Check());
        Assert.All(recordings.Where(at => extension.Length == 0 || at.Case.Conditions.Length == 1), static at => Assert.Empty(at.Case.Conditions.Except(at.Reasons)));
    }

    private static IEnumerable<Case> CasesOf(string extension) =>
        from first in Conditions
        from second in Conditions
        where string.CompareOrdinal(first, second) <= 0
        from kept in new[] { "all", "ring", "budget" }
        from name in new[] { "a", kept == "all" ? "a-%H%M%S" : "a-%H%M%S-%f" }
        select new Case([.. new[] { first, second }.Distinct()], kept, name, extension);

    /// <summary>A cell of the table.</summary>
    private sealed record Case(string[] Conditions, string Kept, string Name, string Extension)
    {
        internal bool Has(string condition) => Conditions.Contains(condition);

        /// <summary>The size that ends a file; a budget has one of its own.</summary>
        internal long LargestFile => Has("size") ? SizeLimit : Kept == "budget" ? Budget / 10 : long.MaxValue;

        public override string ToString() => $"{string.Join('+', Conditions)} {Kept} {Name}{Extension}";

        internal Recording Start(NetworkNamespace where, int port, string directory)
        {
            string own = Directory.CreateDirectory(Path.Combine(directory, $"{string.Join('-', Conditions)}-{Kept}-{Name.Length}{Extension}")).FullName;
            LiveCapture capture = where.Run(() => LiveCapture.Open(new LiveCaptureOptions
            {
                Interface = "lo",
                Filter = $"udp dst port {port}",
                BufferBytes = 2 << 20,
                QueueBytes = 4 << 20,
            }));
            return new Recording(this, new LivePacketSource(capture), Path.Combine(own, $"{Name}.pcapng{Extension}"));
        }

        internal CaptureRotation Rotation => new()
        {
            FileBytes = Has("size") ? SizeLimit : null,
            FileTime = Has("duration") ? Duration : null,
            Every = Has("clock") ? Clock : null,
            FilePackets = Has("packets") ? PacketLimit : null,
            Files = Kept == "ring" ? RingFiles : null,
            KeepBytes = Kept == "budget" ? Budget : null,
        };

        /// <summary>When a file is over that began at an instant.</summary>
        internal CaptureTimestamp DueOf(CaptureTimestamp begin, RotationReason? reason = null)
        {
            CaptureTimestamp duration = Has("duration") && reason is null or RotationReason.Duration ? begin + (long)Duration.TotalNanoseconds : new(long.MaxValue);
            CaptureTimestamp clock = Has("clock") && reason is null or RotationReason.Clock ? ClockBoundary.Next(begin, Clock, TimeZoneInfo.Local) : new(long.MaxValue);
            return duration < clock ? duration : clock;
        }
    }

    /// <summary>A file as it was when it was closed: a ring may delete it before the end.</summary>
    private sealed record ClosedFile(RecordedFile Told, byte[] Bytes, List<(int Number, CaptureTimestamp Stamp)> Packets)
    {
        internal CaptureTimestamp First => Packets[0].Stamp;

        internal CaptureTimestamp Last => Packets[^1].Stamp;
    }

    /// <summary>Sends numbered packets of noise: bursts, a steady time, a slow one, so that each condition comes before each other now and then.</summary>
    private sealed class Traffic(LoopbackSender sender) : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Random _random = new(1);
        private int _sent;

        public void Dispose() => _stop.Dispose();

        /// <returns>The number of the last packet.</returns>
        internal int RunToEnd()
        {
            for (int tick = 0; tick < 230; tick++)
            {
                bool isSlow = tick is > 100 and < 180;
                int count = isSlow ? tick % 5 == 0 ? 1 : 0 : tick % 30 == 15 ? 40 : 1;
                for (int i = 0; i < count; i++)
                {
                    Send(count > 1 ? 1000 : 300);
                }

                _stop.Token.WaitHandle.WaitOne(20);
            }

            return _sent - 1;
        }

        private void Send(int length)
        {
            byte[] data = new byte[length];
            _random.NextBytes(data);
            BitConverter.TryWriteBytes(data, _sent++);
            sender.Send(data);
        }
    }

    /// <summary>A cell at work, on a thread of its own.</summary>
    private sealed class Recording : IPacketSink
    {
        private readonly LivePacketSource _source;
        private readonly LiveRecorder _recorder;
        private readonly Thread _thread;
        private readonly string _path;
        private readonly List<ClosedFile> _files = [];
        private readonly ConcurrentDictionary<int, long> _handled = new();
        private readonly CaptureTimestamp _made;
        private Exception? _failure;

        internal Recording(Case one, LivePacketSource source, string path)
        {
            Case = one;
            _source = source;
            _path = path;
            _made = new CaptureTimestamp(Interop.Clock.RealtimeNanoseconds());
            _recorder = new LiveRecorder(source, path, one.Rotation);
            _recorder.FileClosed += Keep;
            _thread = new Thread(Run) { IsBackground = true };
            _thread.Start();
        }

        internal Case Case { get; }

        internal IEnumerable<string> Reasons => _files.Select(static file => file.Told.Reason.ToString().ToLowerInvariant());

        /// <summary>Stops it when it has the last packet.</summary>
        internal void End(int last)
        {
            Assert.True(SpinWait.SpinUntil(() => _handled.ContainsKey(last) || !_thread.IsAlive, TimeSpan.FromSeconds(30)), $"{Case}: packet {last} did not come.");
            _source.Capture.Stop();
            _thread.Join();
            _source.Dispose();
            _recorder.Dispose();
            Assert.True(_failure is null, $"{Case}: {_failure}");
        }

        public void Dispose()
        {
            _source.Dispose();
            _thread.Join();
            _recorder.Dispose();
        }

        /// <summary>When each packet was handled: one that comes after its file's time is over belongs to the next.</summary>
        void IPacketSink.Write(in CapturedPacket packet) => _handled[NumberOf(packet)] = Interop.Clock.RealtimeNanoseconds();

        void IPacketSink.Flush()
        {
        }

        internal void Check()
        {
            try
            {
                (int Number, CaptureTimestamp Stamp)[] all = [.. _files.SelectMany(static file => file.Packets)];
                Assert.Equal(Enumerable.Range(all[0].Number, all.Length), all.Select(static packet => packet.Number));
                Assert.Equal(_handled.Keys.Order(), all.Select(static packet => packet.Number));
                CheckBoundaries();
                CheckWhatIsKept();
            }
            catch (Exception exception) when (exception is Xunit.Sdk.IAssertionException)
            {
                string files = string.Join('\n', _files.Select(static file => $"{file.Told} {file.Packets[0].Number}-{file.Packets[^1].Number} {file.First}-{file.Last}"));
                throw new InvalidOperationException($"{Case}: {exception.Message}\n{files}", exception);
            }
        }

        private void CheckBoundaries()
        {
            // The first began when it was made, or with its first packet where it was thrown away empty: it is checked for both.
            (CaptureTimestamp earliest, CaptureTimestamp latest, CaptureTimestamp before) = (_made, _files[0].First, _made);
            for (int i = 0; i < _files.Count; i++)
            {
                ClosedFile file = _files[i];
                ClosedFile? next = i + 1 < _files.Count ? _files[i + 1] : null;
                Assert.Equal(file.Told.Packets, file.Packets.Count);
                Assert.Equal(file.Told.Bytes, file.Bytes.Length);
                Assert.True(file.Packets.All(packet => packet.Stamp < Case.DueOf(latest)), $"File {i + 1} has a packet of a later time.");
                CheckFill(file);
                CheckReason(file, next, Case.DueOf(earliest, file.Told.Reason));
                CheckName(file, i, i == 0 || earliest != latest ? null : latest, before);
                before = latest;
                if (next is not null)
                {
                    // A late packet begins its file at the end of the time before.
                    bool isOver = file.Told.Reason is RotationReason.Duration or RotationReason.Clock;
                    earliest = isOver && next.First < Case.DueOf(earliest) ? Case.DueOf(earliest) : next.First;
                    latest = isOver && next.First < Case.DueOf(latest) ? Case.DueOf(latest) : next.First;
                }
            }

            Assert.All(_files[..^1], static file => Assert.NotEqual(RotationReason.End, file.Told.Reason));
        }

        private void CheckFill(ClosedFile file)
        {
            bool isFull = file.Told.Reason == RotationReason.Packets;
            Assert.Equal(isFull && Case.Has("packets"), isFull);
            if (Case.Has("packets"))
            {
                // The size is looked at first where one packet fills both.
                Assert.InRange(file.Packets.Count, isFull ? PacketLimit : 1, isFull || file.Told.Reason == RotationReason.Size ? PacketLimit : PacketLimit - 1);
            }

            if (file.Told.Reason == RotationReason.Size)
            {
                Assert.InRange(file.Bytes.Length, Case.LargestFile, long.MaxValue);
            }

            if (Case.Extension.Length == 0)
            {
                // Each block ends with its length: the counters', and before them the last packet's.
                long packets = file.Bytes.Length - BitConverter.ToInt32(file.Bytes, file.Bytes.Length - 4);
                long withoutLast = packets - BitConverter.ToInt32(file.Bytes, (int)packets - 4);
                Assert.InRange(Case.LargestFile, withoutLast + 1, file.Told.Reason == RotationReason.Size ? packets : long.MaxValue);
                Assert.Equal(file.Told.Reason == RotationReason.Size, packets >= Case.LargestFile);
            }
        }

        private void CheckReason(ClosedFile file, ClosedFile? next, CaptureTimestamp due)
        {
            if (file.Told.Reason is not (RotationReason.Duration or RotationReason.Clock) || next is null)
            {
                return;
            }

            Assert.Contains(file.Told.Reason.ToString().ToLowerInvariant(), Case.Conditions);
            Assert.True(next.First >= due || _handled[next.Packets[0].Number] >= due.Nanoseconds + Grace, $"Packet {next.Packets[0].Number} came in time and is in the file after.");
        }

        private void CheckName(ClosedFile file, int index, CaptureTimestamp? begin, CaptureTimestamp before)
        {
            string name = Path.GetFileName(file.Told.Path);
            if (Case.Name == "a")
            {
                Assert.Equal($"a-{index + 1:D5}.pcapng{Case.Extension}", name);
            }
            else if (begin is { } at)
            {
                CaptureTimestamp boundary = ClockBoundary.Last(at, Clock, TimeZoneInfo.Local);
                bool isFirstSince = Case.Has("clock") && boundary > before;
                string expected = Path.GetFileName(FileNamePattern.Parse(_path).Expand(isFirstSince ? boundary : at, TimeZoneInfo.Local));
                Assert.StartsWith(expected[..^$".pcapng{Case.Extension}".Length], name, StringComparison.Ordinal);
            }
        }

        private void CheckWhatIsKept()
        {
            string[] told = [.. _files.Select(static file => file.Told.Path)];
            string[] there = Directory.GetFiles(Path.GetDirectoryName(_path)!);
            int kept = Case.Kept == "ring" ? Math.Min(RingFiles, told.Length) : Case.Kept == "budget" ? there.Length : told.Length;
            Assert.Equal(told[^kept..].Order(StringComparer.Ordinal), there.Order(StringComparer.Ordinal));
            if (Case.Kept == "budget")
            {
                // As many as there is room for, and one more would be too many, but for the room that the last took while it was open.
                Assert.InRange(there.Sum(static path => new FileInfo(path).Length), 1, Budget);
                Assert.True(kept < told.Length, "No file was deleted.");
            }
        }

        private void Run()
        {
            try
            {
                _recorder.Run(also: this);
            }
            catch (Exception exception) when (exception is IOException or LinuxException or InvalidOperationException or UnauthorizedAccessException)
            {
                _failure = exception;
            }
        }

        private void Keep(RecordedFile file)
        {
            var packets = new List<(int, CaptureTimestamp)>();
            using CaptureFileReader reader = CaptureFile.OpenRead(file.Path);
            while (reader.TryRead(out CapturedPacket packet))
            {
                packets.Add((NumberOf(packet), packet.Metadata.Timestamp));
            }

            _files.Add(new ClosedFile(file, File.ReadAllBytes(file.Path), packets));
        }

        private static int NumberOf(in CapturedPacket packet) => BitConverter.ToInt32(packet.Data[42..]);
    }
}
