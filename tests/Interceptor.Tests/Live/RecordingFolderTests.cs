using Interceptor.Capture.Files;
using Interceptor.Capture.Live;
using Interceptor.Packets;
using Interceptor.Tests.Files;

namespace Interceptor.Tests.Live;

public sealed class RecordingFolderTests : IDisposable
{
    private static readonly CaptureTimestamp Noon = ClockBoundaryTests.At("2026-06-01T12:00:00Z");
    private readonly TemporaryFolder _folder = new();

    private string[] Names => [.. Directory.GetFileSystemEntries(_folder.Path).Select(static path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_ring_keeps_its_number_with_the_open_file_and_deletes_nothing_of_an_earlier_recording()
    {
        File.WriteAllText(_folder.File("a-00007.pcapng"), "an earlier one");
        RecordingFolder folder = FolderOf("a.pcapng", new CaptureRotation { FilePackets = 1, Files = 2 });
        for (int i = 0; i < 4; i++)
        {
            Record(folder);
        }

        Assert.Equal(["a-00007.pcapng", "a-00010.pcapng", "a-00011.pcapng"], Names);
        Assert.Equal("an earlier one", File.ReadAllText(_folder.File("a-00007.pcapng")));
    }

    [Fact]
    public void A_budget_deletes_the_oldest_until_the_open_file_fits_in_and_never_the_open_one()
    {
        RecordingFolder folder = FolderOf("a.pcapng", new CaptureRotation { FilePackets = 1, KeepBytes = 1000 });
        long each = Record(folder);
        Record(folder);
        using CaptureFileWriter open = folder.Create(Noon);
        folder.MakeRoom(1000 - (2 * each));
        Assert.Equal(["a-00001.pcapng", "a-00002.pcapng", "a-00003.pcapng"], Names);
        folder.MakeRoom(1000 - (2 * each) + 1);
        Assert.Equal(["a-00002.pcapng", "a-00003.pcapng"], Names);
        folder.MakeRoom(5000);
        Assert.Equal(["a-00003.pcapng"], Names);
    }

    [Fact]
    public void What_somebody_put_in_the_place_of_a_closed_file_is_not_deleted()
    {
        RecordingFolder folder = FolderOf("a.pcapng", new CaptureRotation { FilePackets = 1, Files = 1 });
        Record(folder);
        File.Move(_folder.File("a-00001.pcapng"), _folder.File("moved"));
        File.WriteAllText(_folder.File("a-00001.pcapng"), "another");
        Record(folder);
        Record(folder);
        Assert.Equal(["a-00001.pcapng", "a-00003.pcapng", "moved"], Names);
    }

    [Fact]
    public void A_name_that_comes_again_gets_a_number_and_no_link_is_followed()
    {
        File.CreateSymbolicLink(_folder.File("a-12.pcapng"), _folder.File("nowhere"));
        Directory.CreateDirectory(_folder.File("a-12-00002.pcapng"));
        RecordingFolder folder = FolderOf("a-%H.pcapng", new CaptureRotation { FilePackets = 1 });
        Record(folder);
        Record(folder);
        folder.Create(Noon + (3600 * CaptureTimestamp.NanosecondsPerSecond)).Dispose();
        Assert.Equal(["a-12-00002.pcapng", "a-12-00003.pcapng", "a-12-00004.pcapng", "a-12.pcapng", "a-13.pcapng"], Names);
        Assert.False(Path.Exists(_folder.File("nowhere")));
    }

    [Fact]
    public void A_ring_of_names_that_come_again_gets_the_name_that_it_gives_free()
    {
        RecordingFolder folder = FolderOf("a-%H.pcapng", new CaptureRotation { FilePackets = 1, Files = 2 });
        foreach (int hour in (int[])[0, 1, 24])
        {
            folder.Create(Noon + (hour * 3600 * CaptureTimestamp.NanosecondsPerSecond)).Dispose();
            folder.Keep();
        }

        Assert.Equal(["a-12.pcapng", "a-13.pcapng"], Names);
    }

    [Fact]
    public void Directories_with_the_time_in_their_name_are_made()
    {
        RecordingFolder folder = FolderOf("%Y/%m/a.pcapng", new CaptureRotation { FilePackets = 1 });
        Record(folder);
        Assert.True(File.Exists(_folder.File("2026/06/a.pcapng")));
    }

    [Fact]
    public void One_file_replaces_what_was_there_and_a_further_one_on_request_does_not()
    {
        File.WriteAllText(_folder.File("a.pcapng"), "an earlier one");
        RecordingFolder folder = FolderOf("a.pcapng", null);
        Record(folder);
        Assert.Equal(0, CaptureFileSummary.Read(_folder.File("a.pcapng")).Packets);
        Record(folder);
        Assert.Equal(["a-00002.pcapng", "a.pcapng"], Names);
        File.Move(_folder.File("a.pcapng"), _folder.File("moved"));
        Record(folder);
        Assert.Equal(["a-00002.pcapng", "a.pcapng", "moved"], Names);
    }

    private RecordingFolder FolderOf(string name, CaptureRotation? rotation) => new(_folder.File(name), rotation, format: null, TimeZoneInfo.Utc);

    private static long Record(RecordingFolder folder)
    {
        CaptureFileWriter writer = folder.Create(Noon);
        writer.Commit();
        writer.Dispose();
        return folder.Keep();
    }
}
