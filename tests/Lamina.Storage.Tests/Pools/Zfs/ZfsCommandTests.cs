using System.Diagnostics;
using Lamina.Storage.Pools.Zfs;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>The command of OpenZFS, by recorded dialogues.</summary>
public sealed class ZfsCommandTests
{
    private readonly ScriptedZfs _script = new();

    [Theory]
    [InlineData("2.1.11", "OpenZFS 2.1")]
    [InlineData("2.3.2", "OpenZFS 2.3")]
    [InlineData("2.4.0-rc1", "OpenZFS 2.4")]
    public async Task Start_OfOpenZfs_KnowsItsVersion(string version, string expected)
    {
        var command = await StartAsync(new ScriptedZfs(version));

        Assert.Equal(expected, command.Dialect.ToString());
        Assert.True(command.Dialect.TakesSeveral);
        Assert.Contains("zstd", command.Dialect.Compressions);
    }

    [Theory]
    [InlineData(0, "zfs-2.0.3-1\nzfs-kmod-2.0.3-1\n", "", "2.1 and later")]
    [InlineData(1, "zfs-2.3.2-2~bpo12+1\n", "zfs_version_kernel() failed: No such file or directory\n", "zfs_version_kernel() failed")]
    [InlineData(1, "", "The ZFS modules are not loaded.\nTry running 'modprobe zfs' as root to load them.\n", "modprobe zfs")]
    [InlineData(1, "", "connect: Connection refused\nPlease make sure that the zfs-fuse daemon is running.\n", "zfs-fuse daemon is running")]
    [InlineData(1, "", "connect: No such file or directory\nPlease make sure that the zfs-fuse daemon is running.\ninternal error: failed to initialize ZFS library\n", "zfs-fuse daemon is running")]
    [InlineData(0, "something else", "", "something else")]
    public async Task Start_WhereThereIsNoZfsThatCouldBeUsed_SaysWhy(int exitCode, string output, string error, string expected)
    {
        _script.On("zfs version", (exitCode, output, error));

        var failure = await Assert.ThrowsAsync<ZfsFailure>(() => StartAsync(_script));

        Assert.Equal(StorageError.Unavailable, failure.Error);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_WithoutTheProgram_SaysWhatToInstall()
    {
        var failure = await Assert.ThrowsAsync<ZfsFailure>(() => ZfsCommand.StartAsync(new ZfsPrograms("/nowhere/zfs", "/nowhere/zpool"), TimeProvider.System, "tank", default));

        Assert.Equal(StorageError.Unavailable, failure.Error);
        Assert.Contains("zfsutils-linux", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "cannot create 'tank/a': dataset already exists", StorageError.AlreadyExists)]
    [InlineData(1, "cannot open 'tank/a': dataset does not exist", StorageError.NotFound)]
    [InlineData(1, "could not find any snapshots to destroy; check snapshot names.", StorageError.NotFound)]
    [InlineData(1, "cannot create 'tank/a': out of space", StorageError.ResourceExhausted)]
    [InlineData(1, "cannot destroy snapshot tank/a@s: it's being held. Run 'zfs holds -r tank/a@s' to see holders.", StorageError.FailedPrecondition)]
    [InlineData(1, "cannot destroy 'tank/a@s': snapshot has dependent clones\nuse '-R' to destroy the following datasets:\ntank/b", StorageError.FailedPrecondition)]
    [InlineData(255, "cannot set property for 'tank/a': size is less than current used or reserved space", StorageError.OutOfRange)]
    [InlineData(1, "cannot destroy 'tank/a': filesystem has children\nuse '-r' to destroy the following datasets:\ntank/a/b", StorageError.FailedPrecondition)]
    [InlineData(1, "cannot set property for 'tank/a': 'compression' must be one of 'on | off | lzjb'", StorageError.InvalidArgument)]
    [InlineData(1, "cannot open 'tank': pool I/O is currently suspended", StorageError.Unavailable)]
    [InlineData(1, "cannot create 'tank/a': no such pool 'tank'", StorageError.Unavailable)]
    [InlineData(1, "cannot set property for 'tank/a': no such pool or dataset", StorageError.NotFound)]
    [InlineData(1, "internal error: Input/output error", StorageError.Unavailable)]
    [InlineData(1, "internal error: No space left on device", StorageError.ResourceExhausted)]
    [InlineData(1, "cannot receive: Disk quota exceeded", StorageError.ResourceExhausted)]
    [InlineData(1, "cannot create 'tank/a': Insufficient privileges", StorageError.Unavailable)]
    [InlineData(255, "Key unload error: Key already unloaded for 'tank/a'.", StorageError.NotFound)]
    [InlineData(3, "something that nobody has seen before,\nin two lines", StorageError.Internal)]
    public async Task Change_Refused_IsWhatTheDomainUnderstandsWithTheWholeText(int exitCode, string text, StorageError expected)
    {
        _script.On("zfs create*", (exitCode, "", text + "\n"));
        var command = await StartAsync(_script);

        var failure = await Assert.ThrowsAsync<ZfsFailure>(() => command.CreateAsync("tank/a", []));

        Assert.Equal(expected, failure.Error);
        Assert.Equal($"zfs create: {text}", failure.Message);
        Assert.Equal(2, _script.Asked.Count);
    }

    [Theory]
    [InlineData("cannot destroy 'tank/a': dataset is busy")]
    [InlineData("cannot unmount '/mnt/a': pool or dataset is busy")]
    [InlineData("umount failed: umount child process failed")]
    [InlineData("Key unload error: 'tank/a' is busy.")]
    [InlineData("internal error: Cannot allocate memory")]
    public async Task Change_OfWhatIsBusyForAMoment_IsTriedAgain(string text)
    {
        _script.On("zfs destroy tank/a", (1, "", text), (1, "", text), (0, "", ""));
        var command = await StartAsync(_script);

        await command.DestroyAsync("tank/a");

        Assert.Equal(3, _script.Asked.Count(line => line == "zfs destroy tank/a"));
    }

    [Fact]
    public async Task Change_OfWhatStaysBusy_FailsInTheEnd()
    {
        _script.On("zfs destroy tank/a", (1, "", "cannot destroy 'tank/a': dataset is busy"));
        var command = await StartAsync(_script);

        var failure = await Assert.ThrowsAsync<ZfsFailure>(() => command.DestroyAsync("tank/a"));

        Assert.Equal(StorageError.FailedPrecondition, failure.Error);
        Assert.True(_script.Asked.Count > 5);
    }

    [Fact]
    public async Task Rename_ThatWasDoneThoughItSaidBusy_IsDone()
    {
        const string missing = "cannot open 'tank/a': dataset does not exist";
        _script.On("zfs rename tank/a tank/b", (1, "", "cannot rename 'tank/a': dataset is busy"), (1, "", missing))
            .On("zfs get -Hp -o value type tank/a", (1, "", missing)).On("zfs get -Hp -o value type tank/b", "filesystem\n");
        var command = await StartAsync(_script);

        await command.RenameAsync("tank/a", "tank/b");

        _script.On("zfs get -Hp -o value type tank/b", (1, "", missing));
        Assert.Equal(StorageError.NotFound, (await Assert.ThrowsAsync<ZfsFailure>(() => command.RenameAsync("tank/a", "tank/b"))).Error);
    }

    [Fact]
    public async Task Snapshot_OfSeveral_IsOneCommandWithTheProperties()
    {
        _script.On("zfs snapshot*");
        var command = await StartAsync(_script);

        await command.SnapshotAsync(["tank/a@x", "tank/b@y"], [("lamina:group", "{ \"of\": [ 'two' ] }")]);

        Assert.Equal("zfs snapshot -o lamina:group={ \"of\": [ 'two' ] } tank/a@x tank/b@y", _script.Asked[^1]);
    }

    [Fact]
    public async Task Set_OfSeveral_IsOneCommandWhereZfsTakesThem()
    {
        _script.On("zfs set*");
        var command = await StartAsync(_script);

        await command.SetAsync("tank/a", ("refquota", "1024"), ("lamina:attributes", "a"));

        Assert.Equal("zfs set refquota=1024 lamina:attributes=a tank/a", _script.Asked[^1]);
    }

    [Fact]
    public async Task Get_OfWhatHoldsATab_TellsItWhole()
    {
        _script.On("zfs get*", "tank/a\tlamina:x\tone\ttwo\tinherited from tank\ntank/a@s\tlamina:x\t-\t-\n");
        var command = await StartAsync(_script);

        var properties = await command.GetAsync("tank/a", deep: true, ["lamina:x"], default);

        Assert.Equal([new ZfsProperty("tank/a", "lamina:x", "one\ttwo", "inherited from tank"), new ZfsProperty("tank/a@s", "lamina:x", "-", "-")], properties);
        Assert.False(properties[0].IsOwn);
    }

    [Fact]
    public async Task Commands_OfMany_AreFourAtOnceAtMost()
    {
        var running = TestScratch.NewDirectory("running");
        await File.WriteAllTextAsync(_script.Programs.Zpool, $"#!/bin/sh\necho x > {running}/$$\nls {running} | wc -l\nsleep 0.1\nrm {running}/$$\n");
        var command = await StartAsync(_script);

        var seen = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => command.AskPoolAsync(default, "list")));

        Assert.Equal(4, seen.Max(int.Parse));
    }

    [Fact]
    public async Task Commands_OfAPoolThatDoesNotAnswer_KeepNoOtherPoolWaiting()
    {
        await File.WriteAllTextAsync(_script.Programs.Zpool, "#!/bin/sh\ncase \"$2\" in sick) exec sleep 600 ;; esac\n");
        var (sick, well) = (await ZfsCommand.StartAsync(_script.Programs, TimeProvider.System, "sick", default), await StartAsync(_script));
        using var givenUp = new CancellationTokenSource();
        var waiting = Enumerable.Range(0, 8).Select(_ => sick.AskPoolAsync(givenUp.Token, "status", "sick")).ToList();

        await well.AskPoolAsync(default, "status", "tank");

        Assert.DoesNotContain(waiting, one => one.IsCompleted);
        await givenUp.CancelAsync();
        foreach (var one in waiting)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
    }

    [Fact]
    public async Task Ask_GivenUp_EndsTheCommand()
    {
        await File.WriteAllTextAsync(_script.Programs.Zpool, "#!/bin/sh\nexec sleep 600\n");
        var command = await StartAsync(_script);
        using var givenUp = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        var watch = Stopwatch.StartNew();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => command.AskPoolAsync(givenUp.Token, "list"));

        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1));
    }

    private static Task<ZfsCommand> StartAsync(ScriptedZfs script) => ZfsCommand.StartAsync(script.Programs, TimeProvider.System, "tank", default);
}
