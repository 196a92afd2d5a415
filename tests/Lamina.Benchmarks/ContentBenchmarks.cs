using BenchmarkDotNet.Attributes;
using Lamina.Storage;

namespace Lamina.Benchmarks;

/// <summary>What must take the same time whatever a volume holds; measured once per volume, as the first time may be the dear one.</summary>
public abstract class ContentBenchmarks : PoolBenchmarks
{
    /// <summary>What the volume holds.</summary>
    [ParamsAllValues]
    public Content Content { get; set; }

    private protected string Name { get; private set; } = "";

    private protected Volume? Volume { get; private set; }

    /// <summary>Makes the volume.</summary>
    [IterationSetup]
    public void Create()
    {
        Name = NewName();
        Pool.Floor.Create(Name);
        Volume = Task.Run(() => Pool.CreateAsync(Name, Content)).GetAwaiter().GetResult();
    }
}
