using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// A system call failed. The message says what was tried, on what, and why it failed; what to do about it is added by whoever knows the purpose.
/// </summary>
public sealed class LinuxException : IOException
{
    /// <summary>From an error number.</summary>
    /// <param name="errno">The error number, positive.</param>
    /// <param name="operation">What was tried, as <c>setsockopt(TCP_REPAIR)</c>.</param>
    /// <param name="subject">On what, as <c>connection 192.0.2.1:80-192.0.2.2:1234</c>.</param>
    /// <param name="remedy">What to do, or null where that depends.</param>
    public LinuxException(int errno, string operation, string subject, string? remedy = null)
        : base(Format(errno, operation, subject, remedy))
    {
        Errno = errno;
        Operation = operation;
        Subject = subject;
    }

    /// <summary>The error number, positive; see <see cref="Interop.Errno"/>.</summary>
    public int Errno { get; }

    /// <summary>What was tried.</summary>
    public string Operation { get; }

    /// <summary>On what.</summary>
    public string Subject { get; }

    /// <summary>What the system calls the error number, without a full stop.</summary>
    internal string Reason => $"{Marshal.GetPInvokeErrorMessage(Errno)} (errno {Errno})";

    /// <summary>True where a privilege is missing (EPERM, EACCES).</summary>
    public bool IsPermission => Errno is Interop.Errno.EPERM or Interop.Errno.EACCES;

    /// <summary>From the calling thread's last P/Invoke error.</summary>
    internal static LinuxException FromLastError(string operation, string subject, string? remedy = null) =>
        new(Marshal.GetLastPInvokeError(), operation, subject, remedy);

    private static string Format(int errno, string operation, string subject, string? remedy)
    {
        string reason = Marshal.GetPInvokeErrorMessage(errno);
        string on = subject.Length == 0 ? "" : $" on {subject}";
        string todo = remedy is null ? "" : $" {remedy}";
        return $"{operation}{on}: {reason} (errno {errno}).{todo}";
    }
}
