using BenchmarkDotNet.Attributes;

namespace Lamina.Benchmarks;

/// <summary>Eight volumes are made at once: how many a second, where they share flushes.</summary>
public class ConcurrentCreateBenchmarks : PoolBenchmarks
{
    private const int AtOnce = 8;

    /// <summary>The system calls alone, on eight threads.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = AtOnce)]
    public Task FloorAsync() => Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => Task.Run(() => Pool.Floor.Create(NewName()))));

    /// <summary>The services.</summary>
    [Benchmark(OperationsPerInvoke = AtOnce)]
    public Task CreateAsync() => Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => Pool.Services.CreateAsync(NewName())));
}
