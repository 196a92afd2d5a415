using Lamina.Testing;

namespace Lamina.Linux.Tests;

[Collection<BtrfsCollection>]
public sealed class BtrfsChangesTests(BtrfsFileSystem fileSystem) : IDisposable
{
    private const int Many = 5000;
    private readonly ScratchDirectory _scratch = new(fileSystem.NewDirectory());

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void FindChangedAfter_WhatWasChangedLater_IsFoundWhereverItIs()
    {
        using var volume = Make();
        var path = _scratch["volume"];
        for (var i = 0; i < Many; i++)
            File.WriteAllText($"{path}/f{i}", "x");
        Files.FlushFileSystem(volume);
        var before = Btrfs.GetSubvolume(volume).Generation;
        File.WriteAllText($"{path}/f1", "changed, but before the moment");
        var moment = Later();

        Assert.Null(ChangedAfter(volume, "s1", before, moment));

        File.AppendAllText($"{path}/f{Many / 2}", "later");
        Assert.Equal(Files.Stat($"{path}/f{Many / 2}").Inode, ChangedAfter(volume, "s2", before, moment));
        Assert.Null(ChangedAfter(volume, "s3", before, Later()));
    }

    [Theory]
    [InlineData("create")]
    [InlineData("delete")]
    [InlineData("rename")]
    [InlineData("mode")]
    public void FindChangedAfter_ANameOrAttributeThatWasChangedLater_IsFound(string change)
    {
        using var volume = Make();
        var path = _scratch["volume"];
        File.WriteAllText($"{path}/file", "x");
        Files.FlushFileSystem(volume);
        var before = Btrfs.GetSubvolume(volume).Generation;
        var moment = Later();
        switch (change)
        {
            case "create":
                File.WriteAllText($"{path}/new", "");
                break;
            case "delete":
                File.Delete($"{path}/file");
                break;
            case "rename":
                File.Move($"{path}/file", $"{path}/other");
                break;
            default:
                File.SetUnixFileMode($"{path}/file", UnixFileMode.UserRead);
                break;
        }
        Assert.NotNull(ChangedAfter(volume, "s", before, moment));
    }

    private Microsoft.Win32.SafeHandles.SafeFileHandle Make()
    {
        Btrfs.CreateSubvolume(_scratch.Handle, "volume");
        return Files.OpenDirectoryAt(_scratch.Handle, "volume");
    }

    private ulong? ChangedAfter(Microsoft.Win32.SafeHandles.SafeFileHandle volume, string name, ulong since, Timestamp moment)
    {
        Btrfs.CreateSnapshot(_scratch.Handle, name, volume, readOnly: true);
        using var snapshot = Files.OpenDirectoryAt(_scratch.Handle, name);
        return Btrfs.FindChangedAfter(snapshot, since, moment);
    }

    // A moment that is later than whatever was done before, and earlier than whatever comes.
    private static Timestamp Later()
    {
        var moment = KernelClock.Now;
        while (KernelClock.FileTime <= moment)
            Thread.Sleep(1);
        return moment;
    }
}
