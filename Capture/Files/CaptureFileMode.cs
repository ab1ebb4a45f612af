namespace Interceptor.Capture.Files;

/// <summary>How a new capture file comes to be under its name.</summary>
public enum CaptureFileMode
{
    /// <summary>The file is there from the start and grows: for captures that others read while they are written.</summary>
    Direct,

    /// <summary>
    /// The file is written aside and takes its name when <see cref="CaptureFileWriter.Commit"/> is called: an old file of that name survives
    /// a failure, and may be the one that is being read. What is no regular file (a FIFO, a device, standard output) is written directly.
    /// </summary>
    Replace,

    /// <summary>As <see cref="Direct"/>, under a name that nothing has yet: no file is replaced and no symbolic link followed.</summary>
    New,
}
