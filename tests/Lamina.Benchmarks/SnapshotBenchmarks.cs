using BenchmarkDotNet.Attributes;

namespace Lamina.Benchmarks;

/// <summary>A detached volume is snapshotted.</summary>
[InvocationCount(1)]
public class SnapshotBenchmarks : ContentBenchmarks
{
    /// <summary>The system calls alone.</summary>
    [Benchmark(Baseline = true)]
    public void Floor() => Pool.Floor.Snapshot(Name, "s");

    /// <summary>The services.</summary>
    [Benchmark]
    public async Task SnapshotAsync() => await Pool.Services.SnapshotAsync("s", Volume!);
}
