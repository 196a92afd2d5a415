using BenchmarkDotNet.Attributes;

namespace Lamina.Benchmarks;

/// <summary>A volume is made and deleted.</summary>
public class CreateBenchmarks : PoolBenchmarks
{
    /// <summary>The system calls alone.</summary>
    [Benchmark(Baseline = true)]
    public void Floor()
    {
        var name = NewName();
        Pool.Floor.Create(name);
        Pool.Floor.Delete(name);
    }

    /// <summary>The services.</summary>
    [Benchmark]
    public async Task CreateAndDeleteAsync() => await Pool.Services.DeleteAsync(await Pool.Services.CreateAsync(NewName()));
}
