namespace Interceptor.Cli.Demo.Peers;

/// <summary>What one end says at the end: what it received (or has in its file) and what it sent, in bytes and as SHA-256.</summary>
internal sealed record TransferResult(long ReceivedBytes, long SentBytes, string ReceivedSha256, string SentSha256);
