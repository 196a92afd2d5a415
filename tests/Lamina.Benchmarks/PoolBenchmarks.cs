using BenchmarkDotNet.Attributes;

namespace Lamina.Benchmarks;

/// <summary>What all have in common: a pool in each place, cleared between measurements.</summary>
public abstract class PoolBenchmarks
{
    private int _count;
    private BenchmarkPool? _pool;

    /// <summary>Where.</summary>
    [ParamsAllValues]
    public Place Place { get; set; }

    private protected BenchmarkPool Pool => _pool!;

    /// <summary>Makes the pool.</summary>
    [GlobalSetup]
    public async Task SetUpAsync() => _pool = await BenchmarkPool.CreateAsync(Place);

    /// <summary>Removes it.</summary>
    [GlobalCleanup]
    public async Task CleanUpAsync() => await Pool.DisposeAsync();

    /// <summary>Deletes what was made.</summary>
    [IterationCleanup]
    public void Clear() => Task.Run(Pool.ClearAsync).GetAwaiter().GetResult();

    private protected string NewName() => $"pvc-{Interlocked.Increment(ref _count):d36}";
}
