using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Workload;

/// <summary>Does with a pool all that orchestrators ask for, in a process that the kernel kills should it start another one.</summary>
internal static class Operations
{
    internal static async Task<int> RunAsync(PoolBackend backend, string pool, string runtimeDirectory, string place)
    {
        var settings = new PoolSettings { Name = backend == PoolBackend.Bind ? PoolName.Bind : PoolName.Default, Backend = backend, Path = pool };
        ProcessTrap.Set();
        await using var services = await StorageServices.StartAsync(runtimeDirectory, [settings], place);
        await RunAsync(services, backend == PoolBackend.Bind, place);
        Console.WriteLine("ready");
        return 0;
    }

    /// <summary>Starts a process.</summary>
    internal static async Task<int> StartProcessAsync()
    {
        ProcessTrap.Set();
        Console.WriteLine("ready");
        await ChildProcess.RunAsync("true", [], CancellationToken.None);
        Console.WriteLine("it was started");
        return 0;
    }

    private static async Task RunAsync(StorageServices services, bool bind, string place)
    {
        var volume = await services.Volumes.CreateAsync(
            new VolumeRequest { Name = "a", Door = Door.Csi, Parameters = VolumeParameters.None with { Source = bind ? At(place, "source") : null } }, CancellationToken.None);
        await UseAsync(services, volume, place, async path =>
        {
            File.WriteAllText(Path.Combine(path, "file"), "content");
            if (!bind)
                await services.DeleteAsync(await services.SnapshotAsync("in-use", volume));
        });
        if (!bind)
        {
            var snapshot = await services.SnapshotAsync("s", volume);
            foreach (var source in new[] { VolumeSource.From(snapshot.Id), VolumeSource.From(volume.Id) })
            {
                var copy = await services.CreateAsync("copy", source);
                await UseAsync(services, copy, place, path => File.ReadAllTextAsync(Path.Combine(path, "file")));
                await services.Volumes.ExpandAsync(copy.Id, SizeRange.AtLeast(new ByteSize(1 << 20)), CancellationToken.None);
                await services.DeleteAsync(copy);
            }
            await services.DeleteAsync(snapshot);
        }
        await services.DeleteAsync(volume);
    }

    private static async Task UseAsync(StorageServices services, Volume volume, string place, Func<string, Task> use)
    {
        var stage = new HolderIdentity(Door.Csi, HolderKind.Stage, Path.Combine(place, "stage"));
        var target = At(place, "target");
        await services.Attachments.AttachAsync(volume.Id, stage, "", CancellationToken.None);
        await services.Attachments.PublishAsync(volume.Id, new PublishRequest { Target = target, Door = Door.Csi, StagedBy = stage }, CancellationToken.None);
        await use(target.ToString());
        await services.Attachments.UnpublishAsync(volume.Id, Door.Csi, target, CancellationToken.None);
        await services.Attachments.DetachAsync(volume.Id, stage, CancellationToken.None);
    }

    private static MountTarget At(string place, string name) => IStorageValue<MountTarget>.Parse(Path.Combine(place, name));
}
