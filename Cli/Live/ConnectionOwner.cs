using System.Globalization;
using Interceptor.Cli.Output;

namespace Interceptor.Cli.Live;

/// <summary>Whose a socket is. Plain data.</summary>
/// <param name="Name">The name of the process, as it says itself; empty where no process was found.</param>
/// <param name="Pid">Its number; 0 where no process was found.</param>
/// <param name="Others">How many other processes have the socket too.</param>
/// <param name="Uid">The user who made the socket.</param>
internal sealed record ConnectionOwner(string Name, int Pid, int Others, uint Uid)
{
    /// <summary>How many characters of a column's text are the number of the one process it names: <c>[4242]+3</c>; 0 where it names none or two.</summary>
    internal static int NumberOf(string text) =>
        text.Contains(" > ", StringComparison.Ordinal) || text.LastIndexOf('[') is not (>= 0 and var start) ? 0 : text.Length - start;

    /// <summary>As <c>nginx[4242]+3</c>, or <c>uid 33</c> where no process was found; safe for a terminal.</summary>
    public override string ToString() => Pid == 0
        ? string.Create(CultureInfo.InvariantCulture, $"uid {Uid}")
        : string.Create(CultureInfo.InvariantCulture, $"{Printable.Escape(Name)}[{Pid}]{(Others > 0 ? $"+{Others}" : "")}");
}
