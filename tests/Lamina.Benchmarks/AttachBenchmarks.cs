using BenchmarkDotNet.Attributes;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Testing;

namespace Lamina.Benchmarks;

/// <summary>A volume is attached, published, unpublished and detached.</summary>
public class AttachBenchmarks : PoolBenchmarks
{
    private static readonly HolderIdentity Stage = new(Door.Csi, HolderKind.Stage, "/var/lib/kubelet/stage");
    private readonly PublishRequest _publication = new()
    {
        Target = IStorageValue<MountTarget>.Parse(Path.Combine(TestScratch.NewDirectory("pod"), "mount")),
        Door = Door.Csi,
        StagedBy = Stage,
    };

    private string _name = "";
    private Volume? _volume;

    /// <summary>Makes the volume.</summary>
    [IterationSetup]
    public void Create()
    {
        _name = NewName();
        Pool.Floor.Create(_name);
        _volume = Task.Run(() => Pool.Services.CreateAsync(_name)).GetAwaiter().GetResult();
    }

    /// <summary>The system calls alone.</summary>
    [Benchmark(Baseline = true)]
    public void Floor() => Pool.Floor.Mount(_name);

    /// <summary>The services.</summary>
    [Benchmark]
    public async Task AttachToDetachAsync()
    {
        var attachments = Pool.Services.Attachments;
        await attachments.AttachAsync(_volume!.Id, Stage, "", CancellationToken.None);
        await attachments.PublishAsync(_volume.Id, _publication, CancellationToken.None);
        await attachments.UnpublishAsync(_volume.Id, Door.Csi, _publication.Target, CancellationToken.None);
        await attachments.DetachAsync(_volume.Id, Stage, CancellationToken.None);
    }
}
