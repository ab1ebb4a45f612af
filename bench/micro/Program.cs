using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using Interceptor.MicroBench;

if (args.Length == 0 || !File.Exists(args[0]))
{
    Console.Error.WriteLine("usage: dotnet run -c Release --project bench/micro FILE [BenchmarkDotNet's arguments]");
    return 2;
}

PacketBenchmarks.Capture = args[0];
IConfig config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithIterationCount(9).WithToolchain(InProcessNoEmitToolchain.Instance))
    .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "interceptor-bench"));
_ = BenchmarkRunner.Run<PacketBenchmarks>(config, args[1..]);
return 0;
