using Lamina.Storage.Pools.Zfs;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>The command of the ZFS of this machine.</summary>
[Collection<ZfsCollection>]
public sealed class RealZfsCommandTests(ZfsFileSystem fileSystem)
{
    [Fact]
    public async Task Start_KnowsWhichItIs()
    {
        _ = fileSystem.Pool;
        var command = await StartAsync();

        Assert.Equal(ZfsFileSystem.IsInKernel, command.Dialect.Version is not null);
    }

    [Fact]
    public async Task Properties_OfAnObject_AreToldApartFromThoseThatItHasFromOthers()
    {
        var dataset = fileSystem.NewDataset();
        var command = await StartAsync();
        var longText = new string('x', 7_900);
        await command.CreateAsync(dataset, [("mountpoint", "none"), ("canmount", "off"), ("lamina:a", "one 'two' \"three\" $four"), ("lamina:b", longText)]);
        await command.CreateAsync($"{dataset}/child", []);
        await command.SnapshotAsync([$"{dataset}@s"], [("lamina:a", "mine")]);

        var properties = await command.GetAsync(dataset, deep: true, ["lamina:a", "lamina:b"], default);

        Assert.Equal(
            [(dataset, "lamina:a", "one 'two' \"three\" $four"), (dataset, "lamina:b", longText), ($"{dataset}@s", "lamina:a", "mine")],
            properties.Where(property => property.IsOwn).Select(property => (property.Object, property.Name, property.Value)).Order());
        await ZfsFileSystem.DestroyAsync(dataset);
    }

    [Fact]
    public async Task Refusals_AreWhatTheDomainUnderstands()
    {
        var dataset = fileSystem.NewDataset();
        var command = await StartAsync();
        await command.CreateAsync(dataset, [("mountpoint", "none")]);
        await command.SnapshotAsync([$"{dataset}@s"], []);
        await command.CloneAsync($"{dataset}@s", $"{dataset}/clone", [("canmount", "off")]);

        Assert.Equal(StorageError.AlreadyExists, await ErrorOfAsync(command.CreateAsync(dataset, [])));
        Assert.Equal(StorageError.AlreadyExists, await ErrorOfAsync(command.SnapshotAsync([$"{dataset}@s"], [])));
        Assert.Equal(StorageError.NotFound, await ErrorOfAsync(command.CreateAsync($"{dataset}/no/parent", [])));
        Assert.Equal(StorageError.NotFound, await ErrorOfAsync(command.RenameAsync($"{dataset}/nothing", $"{dataset}/other")));
        await command.DestroyAsync($"{dataset}/nothing");
        await command.DestroyAsync($"{dataset}@nothing");
        Assert.Equal(StorageError.FailedPrecondition, await ErrorOfAsync(command.DestroyAsync($"{dataset}@s")));
        Assert.Equal(StorageError.FailedPrecondition, await ErrorOfAsync(command.DestroyAsync(dataset)));
        Assert.Equal(StorageError.InvalidArgument, await ErrorOfAsync(command.SetAsync(dataset, ("compression", "nonsense"))));
        Assert.Equal(StorageError.OutOfRange, await ErrorOfAsync(command.SetAsync(dataset, ("refquota", "1"))));
        Assert.True(await command.ExistsAsync($"{dataset}@s", default));
        Assert.False(await command.ExistsAsync($"{dataset}@t", default));
        await ZfsFileSystem.DestroyAsync(dataset);
    }

    // Here it is our own namespace by another name: what it costs, and that nothing is lost on the way, are the same.
    [Fact]
    public async Task Commands_OfAnotherMountNamespace_AreRunThere()
    {
        _ = fileSystem.Pool;
        var programs = new ZfsPrograms { MountNamespace = "/proc/self/ns/mnt" };

        var command = await ZfsCommand.StartAsync(programs, TimeProvider.System, "tank", default);

        Assert.True(await command.ExistsAsync(fileSystem.Pool, default));
        Assert.Equal(["zfs", "mount", "tank/a"], programs.CommandIn(["/usr/bin/nsenter", .. programs.ArgumentsOf("zfs", ["mount", "tank/a"])]));
    }

    [Fact]
    public async Task Commands_OfAMountNamespaceThatIsNotThere_SayWhichItIs()
    {
        var failure = await Assert.ThrowsAsync<ZfsFailure>(() => ZfsCommand.StartAsync(new ZfsPrograms { MountNamespace = "/nowhere/ns/mnt" }, TimeProvider.System, "tank", default));

        Assert.Equal(StorageError.Unavailable, failure.Error);
        Assert.Contains("/nowhere/ns/mnt", failure.Message, StringComparison.Ordinal);
    }

    private static Task<ZfsCommand> StartAsync() => ZfsCommand.StartAsync(new ZfsPrograms(), TimeProvider.System, "tank", default);

    private static async Task<StorageError> ErrorOfAsync(Task change) => (await Assert.ThrowsAsync<ZfsFailure>(() => change)).Error;
}
