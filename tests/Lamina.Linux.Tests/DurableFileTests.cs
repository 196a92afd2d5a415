using Lamina.Testing;

namespace Lamina.Linux.Tests;

public sealed class DurableFileTests : IDisposable
{
    private readonly ScratchDirectory _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Create_NewName_HasContentAndExactMode()
    {
        DurableFile.Create(_scratch.Handle, "record", "content"u8, 0x1b6 /* 0666 */);

        Assert.Equal("content", File.ReadAllText(_scratch["record"]));
        Assert.Equal(0x1b6u, Files.StatAt(_scratch.Handle, "record").Mode);
    }

    [Fact]
    public void Create_Taken_EexistAndTheOldOneStays()
    {
        _scratch.Write("record", "old");

        LinuxAssert.Fails(Errno.EEXIST, () => DurableFile.Create(_scratch.Handle, "record", "new"u8, 0x180));

        Assert.Equal("old", File.ReadAllText(_scratch["record"]));
    }

    [Fact]
    public void Create_DanglingLinkOfThatName_NotFollowed()
    {
        Files.SymbolicLink("elsewhere", _scratch.Handle, "record");

        LinuxAssert.Fails(Errno.EEXIST, () => DurableFile.Create(_scratch.Handle, "record", "new"u8, 0x180));

        Assert.Null(Files.TryStatAt(_scratch.Handle, "elsewhere"));
    }

    [Fact]
    public async Task Create_NoSpaceLeft_LeavesNoFile()
    {
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4, 8 << 20);

        LinuxAssert.Fails(Errno.ENOSPC, () => DurableFile.Create(disk.Root, "record", new byte[16 << 20], 0x180));

        Assert.Equal(["lost+found"], Files.List(disk.Root).Select(entry => entry.Name));
    }

    [Fact]
    public void Replace_Existing_IsAnotherFileWithTheNewContent()
    {
        _scratch.Write("record", "old");
        using var old = Files.OpenAt(_scratch.Handle, "record", OpenFlags.ReadOnly);

        DurableFile.Replace(_scratch.Handle, "record", "new"u8, 0x180);

        Assert.Equal("new", File.ReadAllText(_scratch["record"]));
        Assert.Equal("old"u8, Files.ReadAll(old));
        Assert.Equal("record", Assert.Single(Files.List(_scratch.Handle)).Name);
    }

    [Fact]
    public void Replace_Missing_IsMade()
    {
        DurableFile.Replace(_scratch.Handle, "record", "new"u8, 0x180);

        Assert.Equal("new", File.ReadAllText(_scratch["record"]));
    }

    [Fact]
    public void Replace_DirectoryOfThatName_FailsAndLeavesNothingBehind()
    {
        Files.MakeDirectory(_scratch.Handle, "record", 0x1ed);

        LinuxAssert.Fails(Errno.EISDIR, () => DurableFile.Replace(_scratch.Handle, "record", "new"u8, 0x180));

        Assert.Equal("record", Assert.Single(Files.List(_scratch.Handle)).Name);
    }

    [Fact]
    public async Task Replace_WhileOthersRead_TheySeeWholeContentsOnly()
    {
        var (first, second) = (new string('a', 20_000), new string('b', 30_000));
        _scratch.Write("record", first);
        using var end = new CancellationTokenSource();
        var reader = Task.Run(() =>
        {
            while (!end.IsCancellationRequested)
                Assert.Contains(File.ReadAllText(_scratch["record"]), new[] { first, second });
        });

        for (var i = 0; i < 20; i++)
            DurableFile.Replace(_scratch.Handle, "record", System.Text.Encoding.ASCII.GetBytes(i % 2 == 0 ? second : first), 0x180);
        await end.CancelAsync();

        await reader;
    }
}
