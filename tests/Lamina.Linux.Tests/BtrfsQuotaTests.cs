using Lamina.Testing;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Tests;

[Collection<BtrfsQuotaCollection>]
public sealed class BtrfsQuotaTests(BtrfsQuotaFileSystem fileSystem) : IDisposable
{
    private const ulong MiB = 1 << 20;
    private static ulong s_nextGroup = 1000;

    private readonly ScratchDirectory _scratch = new(fileSystem.NewDirectory());
    private readonly QgroupId _group = NewGroup();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void GetMode_SimpleQuotas_Simple() => Assert.Equal(BtrfsQuotaMode.Simple, BtrfsQuota.GetMode(fileSystem.Root));

    [Fact]
    public void EnableSimple_AlreadyOn_NothingHappens()
    {
        BtrfsQuota.EnableSimple(fileSystem.Root);

        Assert.Equal(BtrfsQuotaMode.Simple, BtrfsQuota.GetMode(fileSystem.Root));
    }

    [Fact]
    public async Task EnableSimple_ClassicQuotasOn_EexistAndTheyStay()
    {
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        var enabled = await ChildProcess.RunAsync("btrfs", ["quota", "enable", disk.MountPoint], TestContext.Current.CancellationToken);
        Assert.True(enabled.Succeeded, enabled.Error);

        LinuxAssert.Fails(Errno.EEXIST, () => BtrfsQuota.EnableSimple(disk.Root));

        Assert.Equal(BtrfsQuotaMode.Full, BtrfsQuota.GetMode(disk.Root));
    }

    [Fact]
    public void CreateGroup_New_IsListedWithoutLimit()
    {
        BtrfsQuota.CreateGroup(fileSystem.Root, _group);

        Assert.Equal(new QgroupUsage(0, 0, null), BtrfsQuota.Get(fileSystem.Root, _group));
        Assert.Contains(_group, BtrfsQuota.List(fileSystem.Root));
        LinuxAssert.Fails(Errno.EEXIST, () => BtrfsQuota.CreateGroup(fileSystem.Root, _group));
    }

    [Fact]
    public void Limit_SetAndLifted_ShowsInUsage()
    {
        BtrfsQuota.CreateGroup(fileSystem.Root, _group);

        BtrfsQuota.Limit(fileSystem.Root, _group, 50 * MiB);
        Assert.Equal(50 * MiB, BtrfsQuota.Get(fileSystem.Root, _group)!.Value.Limit);
        BtrfsQuota.Limit(fileSystem.Root, _group, null);
        Assert.Null(BtrfsQuota.Get(fileSystem.Root, _group)!.Value.Limit);
    }

    [Fact]
    public void Limit_NoSuchGroup_EnoentNamesIt()
    {
        var thrown = LinuxAssert.Fails(Errno.ENOENT, () => BtrfsQuota.Limit(fileSystem.Root, _group, MiB));

        Assert.Contains($"group {_group}", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TryDestroyGroup_ThereOrNot_SaysWhich()
    {
        BtrfsQuota.CreateGroup(fileSystem.Root, _group);

        Assert.True(BtrfsQuota.TryDestroyGroup(fileSystem.Root, _group));
        Assert.False(BtrfsQuota.TryDestroyGroup(fileSystem.Root, _group));
        Assert.Null(BtrfsQuota.Get(fileSystem.Root, _group));
    }

    [Fact]
    public void TryDestroyGroup_MemberLives_False()
    {
        using var volume = VolumeInGroup("volume", MiB);

        Assert.False(BtrfsQuota.TryDestroyGroup(fileSystem.Root, _group));
        Assert.False(BtrfsQuota.TryDestroyGroup(fileSystem.Root, OwnGroup(volume)));
    }

    [Fact]
    public void CreateSubvolume_BornInAGroup_ItsWritesAreLimitedFromTheFirst()
    {
        using var volume = VolumeInGroup("volume", 20 * MiB);

        Assert.Equal(Errno.EDQUOT, Fill(volume, "file", 40 * MiB));

        Assert.InRange(Usage(_group).Referenced, 10 * MiB, 20 * MiB);
        Assert.Equal(20 * MiB, Usage(_group).Limit);
    }

    [Fact]
    public void CreateSubvolume_NestedByAUser_CountsInTheOuterOnesGroup()
    {
        using var volume = VolumeInGroup("volume", 20 * MiB);
        Btrfs.CreateSubvolume(volume, "nested");
        using var nested = Files.OpenDirectoryAt(volume, "nested");

        Assert.Equal(Errno.EDQUOT, Fill(nested, "file", 40 * MiB));
    }

    [Fact]
    public void CreateSubvolume_GroupMissing_Throws() =>
        Assert.Throws<LinuxException>(() => Btrfs.CreateSubvolume(_scratch.Handle, "volume", _group));

    [Fact]
    public void CreateSnapshot_BornInAGroup_ItsOwnWritesCountThere()
    {
        using var source = VolumeInGroup("source", 100 * MiB);
        Assert.Equal(Errno.None, Fill(source, "file", 8 * MiB));
        Btrfs.CreateSnapshot(_scratch.Handle, "snapshot", source, readOnly: true);
        using var snapshot = Files.OpenDirectoryAt(_scratch.Handle, "snapshot");
        var cloneGroup = NewGroup();
        BtrfsQuota.CreateGroup(fileSystem.Root, cloneGroup);

        Btrfs.CreateSnapshot(_scratch.Handle, "clone", snapshot, readOnly: false, cloneGroup);
        using var clone = Files.OpenDirectoryAt(_scratch.Handle, "clone");
        Assert.InRange(Usage(cloneGroup).Referenced, 0ul, MiB);
        Assert.Equal(Errno.None, Fill(clone, "own", 4 * MiB));

        Assert.InRange(Usage(cloneGroup).Referenced, 4 * MiB, 5 * MiB);
        Assert.InRange(Usage(_group).Referenced, 8 * MiB, 9 * MiB);
    }

    [Fact]
    public void Assign_BeforeTheWrites_TheyCount()
    {
        Btrfs.CreateSubvolume(_scratch.Handle, "volume");
        using var volume = Files.OpenDirectoryAt(_scratch.Handle, "volume");
        BtrfsQuota.CreateGroup(fileSystem.Root, _group);

        BtrfsQuota.Assign(fileSystem.Root, OwnGroup(volume), _group);
        Assert.Equal(Errno.None, Fill(volume, "file", 4 * MiB));

        Assert.InRange(Usage(_group).Referenced, 4 * MiB, 5 * MiB);
    }

    [Fact]
    public void List_MoreThanABuffer_AllWithTheirLimits()
    {
        var groups = Enumerable.Range(1, 1_200).Select(i => new QgroupId(2, (ulong)i)).ToList();
        foreach (var group in groups)
        {
            BtrfsQuota.CreateGroup(fileSystem.Root, group);
            BtrfsQuota.Limit(fileSystem.Root, group, group.Id * MiB);
        }

        var listed = BtrfsQuota.List(fileSystem.Root);

        Assert.All(groups, group => Assert.Equal(group.Id * MiB, listed[group].Limit));
        Assert.All(groups, group => Assert.True(BtrfsQuota.TryDestroyGroup(fileSystem.Root, group)));
    }

    [Theory]
    [InlineData(0, 256, 256)]
    [InlineData(1, 7, (1L << 48) + 7)]
    public void QgroupId_Value_RoundTrips(ushort level, ulong id, ulong value)
    {
        Assert.Equal(value, new QgroupId(level, id).Value);
        Assert.Equal(new QgroupId(level, id), QgroupId.From(value));
        Assert.Equal($"{level}/{id}", new QgroupId(level, id).ToString());
    }

    private static QgroupId NewGroup() => new(1, Interlocked.Increment(ref s_nextGroup));

    private static QgroupId OwnGroup(SafeFileHandle subvolume) => new(0, Btrfs.GetSubvolume(subvolume).Id);

    /// <summary>Writes and flushes, and returns what stopped it.</summary>
    private static Errno Fill(SafeFileHandle directory, string name, ulong size)
    {
        using var file = Files.OpenAt(directory, name, OpenFlags.WriteOnly | OpenFlags.Create, 0x180);
        var piece = new byte[MiB];
        new Random(1).NextBytes(piece);
        try
        {
            for (var offset = 0L; offset < (long)size; offset += piece.Length)
                Files.WriteAll(file, offset, piece);
            Files.Flush(file);
            return Errno.None;
        }
        catch (LinuxException e)
        {
            return e.Errno;
        }
    }

    private SafeFileHandle VolumeInGroup(string name, ulong limit)
    {
        BtrfsQuota.CreateGroup(fileSystem.Root, _group);
        BtrfsQuota.Limit(fileSystem.Root, _group, limit);
        Btrfs.CreateSubvolume(_scratch.Handle, name, _group);
        return Files.OpenDirectoryAt(_scratch.Handle, name);
    }

    private QgroupUsage Usage(QgroupId group)
    {
        Btrfs.CommitTransaction(fileSystem.Root);
        return BtrfsQuota.Get(fileSystem.Root, group)!.Value;
    }
}
