using System.Globalization;
using System.Security.Cryptography;

namespace Interceptor.Capture.Intercept;

/// <summary>What the chains of one set of rules are called.</summary>
/// <param name="ProcessId">The process that makes them.</param>
/// <param name="Unique">Tells the sets of one process apart: five letters and digits.</param>
internal readonly record struct FirewallNames(int ProcessId, string Unique)
{
    private const string UniqueCharacters = "abcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>For a new set of this process.</summary>
    internal static FirewallNames Next() => new(Environment.ProcessId, RandomNumberGenerator.GetString(UniqueCharacters, 5));

    /// <summary><c>INTERCEPTOR-4194304-x7k2qO</c>, the chain that iptables gets for a hook: the process, the set, the hook's first letter (T for postrouting).</summary>
    internal string Chain(FirewallHook hook)
    {
        char letter = hook == FirewallHook.Postrouting ? 'T' : FirewallScript.BuiltInChain(hook)[0];
        return string.Create(CultureInfo.InvariantCulture, $"{FirewallScript.ChainPrefix}{ProcessId}-{Unique}{letter}");
    }

    /// <summary><c>interceptor-4194304-98765-x7k2q</c>, the table that nft gets: process, its start time, the set; <c>interceptor-lock-ID-x7k2q</c> for a lock.</summary>
    internal string Table(FirewallOwner owner) => owner.LockId is { } id
        ? $"{NftScript.LockPrefix}{id}-{Unique}"
        : string.Create(CultureInfo.InvariantCulture, $"{NftScript.TablePrefix}{owner.ProcessId}-{owner.StartTime}-{Unique}");

    /// <summary>True for a chain of this set, as <see cref="FirewallChain.Name"/> has it.</summary>
    internal bool Has(string chain) =>
        chain.StartsWith(string.Create(CultureInfo.InvariantCulture, $"{FirewallScript.ChainPrefix}{ProcessId}-{Unique}"), StringComparison.Ordinal)
        || chain.StartsWith(NftScript.TablePrefix, StringComparison.Ordinal) && chain.Split('/')[0].EndsWith($"-{Unique}", StringComparison.Ordinal);
}
