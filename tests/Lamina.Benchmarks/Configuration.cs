using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Lamina.Benchmarks;

/// <summary>
/// How it is measured: in this process, which has mounted its disks, and not for long, as an operation takes a millisecond or more and a disk is
/// never as even as a processor. The ratio to the floor, measured in the same run, is what can be compared between machines.
/// </summary>
internal static class Configuration
{
    internal static IConfig Short { get; } = ManualConfig.CreateEmpty()
        .AddJob(Job.Default
            .WithToolchain(new InProcessEmitToolchain(TimeSpan.FromMinutes(10), logOutput: false))
            .WithStrategy(RunStrategy.Monitoring)
            .WithWarmupCount(2)
            .WithIterationCount(10)
            .WithInvocationCount(8)
            .WithUnrollFactor(1))
        .AddColumnProvider(
            DefaultColumnProviders.Descriptor, DefaultColumnProviders.Params, DefaultColumnProviders.Statistics, DefaultColumnProviders.Metrics)
        .AddColumn(StatisticColumn.Median, StatisticColumn.OperationsPerSecond, new MedianRatioColumn())
        .HideColumns(Column.Error, Column.Type, Column.StdDev, Column.Ratio, Column.RatioSD)
        .AddLogger(NullLogger.Instance)
        .WithArtifactsPath(Path.Combine(AppContext.BaseDirectory, "results"))
        .WithOptions(ConfigOptions.DisableLogFile | ConfigOptions.DisableOptimizationsValidator);
}
