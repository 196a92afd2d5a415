using Lamina.Testing;

namespace Lamina.Linux.Tests;

public sealed class FilesContentTests : IDisposable
{
    private readonly ScratchDirectory _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Read_BeyondTheEnd_ReturnsWhatThereIs()
    {
        using var file = _scratch.Create("file", "0123456789"u8);
        var buffer = new byte[8];

        Assert.Equal(4, Files.Read(file, 6, buffer));
        Assert.Equal("6789"u8, buffer.AsSpan(0, 4));
        Assert.Equal(0, Files.Read(file, 10, buffer));
    }

    [Fact]
    public void ReadAll_LargerThanOneBuffer_IsWhole()
    {
        var content = new byte[300_001];
        new Random(1).NextBytes(content);
        using var file = _scratch.Create("file", content);

        Assert.Equal(content, Files.ReadAll(file));
    }

    [Fact]
    public void ReadAll_FileWithoutASize_IsWhole()
    {
        using var file = Files.Open("/proc/self/status", OpenFlags.ReadOnly);

        Assert.StartsWith("Name:", System.Text.Encoding.ASCII.GetString(Files.ReadAll(file)), StringComparison.Ordinal);
    }

    [Fact]
    public void TryReadAllAt_Missing_Null() => Assert.Null(Files.TryReadAllAt(_scratch.Handle, "missing"));

    [Fact]
    public void TryReadAllAt_SymbolicLink_NotFollowed()
    {
        Files.SymbolicLink("/etc/passwd", _scratch.Handle, "link");

        LinuxAssert.Fails(Errno.ELOOP, () => Files.TryReadAllAt(_scratch.Handle, "link"));
    }

    [Fact]
    public void TryReadAllAt_Fifo_DoesNotWait()
    {
        Files.MakeNode(_scratch.Handle, "fifo", 0x1000 | 0x180, 0);

        LinuxAssert.Fails(Errno.ESPIPE, () => Files.TryReadAllAt(_scratch.Handle, "fifo"));
    }

    [Fact]
    public void WriteAll_BeyondTheEnd_LeavesAHoleOfZeros()
    {
        using var file = _scratch.Create("file");

        Files.WriteAll(file, 5, "x"u8);

        Assert.Equal([0, 0, 0, 0, 0, (byte)'x'], Files.ReadAll(file));
    }

    [Fact]
    public void WriteAll_ReadOnlyHandle_Ebadf()
    {
        _scratch.Write("file", "");
        using var file = Files.OpenAt(_scratch.Handle, "file", OpenFlags.ReadOnly);

        LinuxAssert.Fails(Errno.EBADF, () => Files.WriteAll(file, 0, "x"u8));
    }

    [Fact]
    public void WriteAll_FullDevice_Enospc()
    {
        using var full = Files.Open("/dev/full", OpenFlags.WriteOnly);

        LinuxAssert.Fails(Errno.ENOSPC, () => Files.WriteAll(full, 0, "x"u8));
    }

    [Fact]
    public void SetLength_Longer_TakesNoSpace()
    {
        using var file = _scratch.Create("file");

        Files.SetLength(file, 1L << 30);

        Assert.Equal((1L << 30, 0L), (Files.Stat(file).Size, Files.Stat(file).Blocks));
    }

    [Fact]
    public void Allocate_Range_TakesItsSpaceAndExtendsTheFile()
    {
        using var file = _scratch.Create("file");

        Files.Allocate(file, 0, 1 << 20);

        Assert.Equal(1 << 20, Files.Stat(file).Size);
        Assert.InRange(Files.Stat(file).Blocks, 2048, 4096);
    }

    [Fact]
    public void PunchHole_Range_GivesSpaceBackAndReadsAsZeros()
    {
        var content = new byte[1 << 20];
        content.AsSpan().Fill(7);
        using var file = _scratch.Create("file", content);
        Files.Flush(file);
        var before = Files.Stat(file).Blocks;

        Files.PunchHole(file, 64 * 1024, 512 * 1024);

        content.AsSpan(64 * 1024, 512 * 1024).Clear();
        Assert.Equal(content, Files.ReadAll(file));
        Files.Flush(file);
        Assert.True(Files.Stat(file).Blocks <= before - 1024);
    }

    [Fact]
    public void Flush_FileDirectoryAndFileSystem_Succeed()
    {
        using var file = _scratch.Create("file", "x"u8);

        Files.FlushData(file);
        Files.Flush(file);
        Files.Flush(_scratch.Handle);
        Files.FlushFileSystem(_scratch.Handle);
    }

    [Fact]
    public void Flush_PathHandle_Ebadf()
    {
        using var place = Files.Open(_scratch.Path, OpenFlags.Path);

        LinuxAssert.Fails(Errno.EBADF, () => Files.Flush(place));
    }

    [Fact]
    public void TryLock_HeldByAnotherOpen_NullUntilReleased()
    {
        using var first = _scratch.Create("lock");
        using var second = Files.OpenAt(_scratch.Handle, "lock", OpenFlags.ReadWrite);

        using (var held = Files.TryLock(first))
        {
            Assert.NotNull(held);
            Assert.Null(Files.TryLock(second));
        }
        using var taken = Files.TryLock(second);
        Assert.NotNull(taken);
    }

    [Fact]
    public void TryLock_HandleOfTheHolderClosed_IsFree()
    {
        var first = _scratch.Create("lock");
        using var second = Files.OpenAt(_scratch.Handle, "lock", OpenFlags.ReadWrite);
        var held = Files.TryLock(first);
        first.Dispose();

        using var taken = Files.TryLock(second);

        Assert.NotNull(taken);
        held!.Dispose();
        using var third = Files.OpenAt(_scratch.Handle, "lock", OpenFlags.ReadWrite);
        Assert.Null(Files.TryLock(third));
    }
}
