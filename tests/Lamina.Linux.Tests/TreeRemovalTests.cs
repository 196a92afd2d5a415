using System.Globalization;
using Lamina.Testing;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Tests;

[Collection<Ext4Collection>]
public sealed class TreeRemovalTests(Ext4FileSystem fileSystem) : IDisposable
{
    private readonly ScratchDirectory _scratch = new(fileSystem.NewDirectory());

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Remove_Missing_Succeeds() => Remove("missing");

    [Fact]
    public void Remove_File_IsGone()
    {
        _scratch.Write("tree", "");

        Remove("tree");

        Assert.Empty(Files.List(_scratch.Handle));
    }

    [Fact]
    public void Remove_TreeOfAllKinds_IsGoneAndNothingBesideIt()
    {
        Directory.CreateDirectory(_scratch["outside"]);
        _scratch.Write("outside/precious", "x");
        foreach (var path in new[] { "tree/a/b/c", "tree/d", "tree/e/f" })
        {
            Directory.CreateDirectory(_scratch[path]);
            _scratch.Write($"{path}/file", "x");
            using var directory = Files.OpenDirectory(_scratch[path]);
            Files.SymbolicLink(_scratch["outside"], directory, "link");
            Files.MakeNode(directory, "fifo", 0x1000 | 0x180, 0);
            Files.MakeNode(directory, "whiteout", 0x2000, 0);
            Files.MakeDirectory(directory, "bad-\udcff-name", 0);
        }

        Remove("tree");

        Assert.Equal("outside", Assert.Single(Files.List(_scratch.Handle)).Name);
        Assert.Equal("x", File.ReadAllText(_scratch["outside/precious"]));
    }

    [Fact]
    public void Remove_SymbolicLink_ItsTargetStays()
    {
        Directory.CreateDirectory(_scratch["target/child"]);
        Files.SymbolicLink("target", _scratch.Handle, "tree");

        Remove("tree");

        Assert.True(Directory.Exists(_scratch["target/child"]));
    }

    [Fact]
    public void Remove_TenThousandLevels_IsGone()
    {
        var current = _scratch.CreateDirectory("tree");
        for (var i = 0; i < 10_000; i++)
        {
            Files.MakeDirectory(current, "deep", 0x1ed);
            var next = Files.OpenDirectoryAt(current, "deep");
            current.Dispose();
            current = next;
        }
        current.Dispose();

        Remove("tree");

        Assert.Empty(Files.List(_scratch.Handle));
    }

    [Fact]
    public void Remove_ManyNames_IsGone()
    {
        using (var tree = _scratch.CreateDirectory("tree"))
        {
            for (var i = 0; i < 3_000; i++)
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"a-rather-long-name-so-that-buffers-fill-{i:d6}");
                if (i % 10 == 0)
                    Files.MakeDirectory(tree, name, 0x1ed);
                else
                    Files.MakeNode(tree, name, 0x8000, 0);
            }
        }

        Remove("tree");

        Assert.Empty(Files.List(_scratch.Handle));
    }

    [Fact]
    public void Remove_ImmutableAndAppendOnlyFilesAndDirectories_AreGone()
    {
        Directory.CreateDirectory(_scratch["tree/locked"]);
        _scratch.Write("tree/locked/file", "x");
        _scratch.Write("tree/locked/plain", "x");
        foreach (var path in new[] { "tree/locked/file", "tree/locked", "tree" })
        {
            using var handle = Files.Open(_scratch[path], OpenFlags.ReadOnly);
            Files.SetImmutable(handle, true);
        }

        Remove("tree");

        Assert.Empty(Files.List(_scratch.Handle));
    }

    [Fact]
    public void Remove_MountWithin_ExdevNamesItAndItsContentStays()
    {
        Directory.CreateDirectory(_scratch["elsewhere"]);
        _scratch.Write("elsewhere/precious", "x");
        Directory.CreateDirectory(_scratch["tree/a/mount"]);
        using (Bind("elsewhere", "tree/a/mount"))
        {
            var thrown = LinuxAssert.Fails(Errno.EXDEV, () => Remove("tree"));

            Assert.Contains(_scratch["tree/a/mount"], thrown.Operation, StringComparison.Ordinal);
            Assert.Equal("x", File.ReadAllText(_scratch["tree/a/mount/precious"]));
        }
        Remove("tree");
        Assert.Equal("x", File.ReadAllText(_scratch["elsewhere/precious"]));
    }

    [Fact]
    public void Remove_BindMountOfTheSameDirectoryAtTheTop_Exdev()
    {
        Directory.CreateDirectory(_scratch["elsewhere/child"]);
        Directory.CreateDirectory(_scratch["tree"]);
        using (Bind("elsewhere", "tree"))
        {
            LinuxAssert.Fails(Errno.EXDEV, () => Remove("tree"));

            Assert.True(Directory.Exists(_scratch["tree/child"]));
        }
    }

    [Fact]
    public void Remove_FileThatIsAMountPoint_ExdevNamesIt()
    {
        _scratch.Write("elsewhere", "x");
        Directory.CreateDirectory(_scratch["tree"]);
        _scratch.Write("tree/file", "");
        using (Bind("elsewhere", "tree/file"))
        {
            var thrown = LinuxAssert.Fails(Errno.EXDEV, () => Remove("tree"));

            Assert.Contains(_scratch["tree/file"], thrown.Operation, StringComparison.Ordinal);
        }
        Assert.Equal("x", File.ReadAllText(_scratch["elsewhere"]));
    }

    [Fact]
    public void Remove_Cancelled_Throws()
    {
        Directory.CreateDirectory(_scratch["tree"]);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();

        Assert.ThrowsAny<OperationCanceledException>(() => TreeRemoval.Remove(_scratch.Handle, "tree", cancelled.Token));

        Assert.True(Directory.Exists(_scratch["tree"]));
    }

    [Fact]
    public async Task Remove_TwiceAtOnce_BothSucceed()
    {
        for (var i = 0; i < 50; i++)
        {
            for (var j = 0; j < 20; j++)
                Directory.CreateDirectory(_scratch[$"tree/{i}/{j}"]);
        }
        await Task.WhenAll(
            Task.Run(() => RemoveByItself(Files.OpenDirectory(_scratch.Path))),
            Task.Run(() => RemoveByItself(Files.OpenDirectory(_scratch.Path))));

        Assert.Empty(Files.List(_scratch.Handle));

        static void RemoveByItself(SafeFileHandle directory)
        {
            using (directory)
                TreeRemoval.Remove(directory, "tree", CancellationToken.None);
        }
    }

    [Fact]
    public async Task Remove_SomebodyKeepsMakingNames_EndsOneWayOrTheOther()
    {
        using var tree = _scratch.CreateDirectory("tree");
        using var end = new CancellationTokenSource();
        var maker = Task.Run(() =>
        {
            try
            {
                for (var i = 0; !end.IsCancellationRequested; i++)
                    Files.MakeNode(tree, string.Create(CultureInfo.InvariantCulture, $"{i}"), 0x8000, 0);
            }
            catch (LinuxException e) when (e.Errno == Errno.ENOENT)
            {
                // The directory is gone: they were slower.
            }
        });

        var thrown = Record.Exception(() => Remove("tree"));
        await end.CancelAsync();
        await maker;

        Assert.True(thrown is null or LinuxException { Errno: Errno.ENOTEMPTY }, thrown?.ToString());
        Remove("tree");
    }

    private void Remove(string name) => TreeRemoval.Remove(_scratch.Handle, name, CancellationToken.None);

    private Unmounting Bind(string source, string target)
    {
        using var handle = Files.OpenAt(_scratch.Handle, source, OpenFlags.Path);
        using var mount = Mounts.CloneTree(handle);
        Mounts.Attach(mount, _scratch[target]);
        return new Unmounting(_scratch[target]);
    }
}
