using Grpc.Core;
using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Tests.Crashes;
using Lamina.Tests.Csi;

namespace Lamina.Tests.BadDays;

/// <summary>Subvolumes that a user makes inside a Btrfs volume, as anybody may.</summary>
public sealed class NestedSubvolumeTests
{
    [Fact]
    public async Task Volume_WithSubvolumesOfItsUser_IsNotCopiedButDeleted()
    {
        using var disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs, simpleQuotas: true);
        var pool = PoolPlace.Make("pool", PoolBackend.Btrfs, disk);
        await using var daemon = await CsiDaemon.StartAsync(pool.Arguments);
        var volume = (await daemon.CreateAsync(size: 64 << 20)).VolumeId;
        await daemon.UseAsync(volume, path =>
        {
            Directory.CreateDirectory(Path.Combine(path, "images"));
            MakeSubvolume(Path.Combine(path, "images"), "Debian 13");
            MakeSubvolume(Path.Combine(path, "images", "Debian 13"), "inner");
            File.WriteAllText(Path.Combine(path, "images", "Debian 13", "inner", "file"), "content");
        });

        var clone = Requests.CreateVolume(CsiDaemon.NewName());
        clone.VolumeContentSource = Requests.FromVolume(volume);
        foreach (var refusal in (string[])[
            await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.Controller.CreateSnapshotAsync(new() { Name = "s", SourceVolumeId = volume })),
            await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.Controller.CreateVolumeAsync(clone))])
        {
            Assert.Contains("'images/Debian 13', 'images/Debian 13/inner'", refusal, StringComparison.Ordinal);
        }
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(pool.Path, "snapshots")));
        await daemon.UseAsync(volume, path => Assert.Equal("content", File.ReadAllText(Path.Combine(path, "images", "Debian 13", "inner", "file"))));

        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume });
        await new PoolOnDisk(pool.Backend, pool.Path).IsTidyAsync();
    }

    [Fact]
    public async Task Volume_WhoseSubvolumesAreGoneAgain_IsCopied()
    {
        using var disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        var pool = PoolPlace.Make("pool", PoolBackend.Btrfs, disk);
        await using var daemon = await CsiDaemon.StartAsync(pool.Arguments);
        var volume = (await daemon.CreateAsync()).VolumeId;
        await daemon.UseAsync(volume, path => MakeSubvolume(path, "scratch"));
        await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.Controller.CreateSnapshotAsync(new() { Name = "s", SourceVolumeId = volume }));

        await daemon.UseAsync(volume, path =>
        {
            using var directory = Files.OpenDirectory(path);
            Btrfs.DestroySubvolume(directory, "scratch");
        });

        var snapshot = (await daemon.SnapshotAsync(volume)).SnapshotId;
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume });
        await daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot });
        await new PoolOnDisk(pool.Backend, pool.Path).IsTidyAsync();
    }

    private static void MakeSubvolume(string parent, string name)
    {
        using var directory = Files.OpenDirectory(parent);
        Btrfs.CreateSubvolume(directory, name);
    }
}
