using BenchmarkDotNet.Attributes;

namespace Lamina.Benchmarks;

/// <summary>A volume is deleted: until the answer, not until its space is free.</summary>
[InvocationCount(1)]
public class DeleteBenchmarks : ContentBenchmarks
{
    /// <summary>The system calls alone.</summary>
    [Benchmark(Baseline = true)]
    public void Floor() => Pool.Floor.Delete(Name);

    /// <summary>The services.</summary>
    [Benchmark]
    public async Task DeleteAsync() => await Pool.Services.DeleteAsync(Volume!);
}
