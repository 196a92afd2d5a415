using Lamina.Testing;

namespace Lamina.Linux.Tests;

public sealed class Ext4Tests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task HasJournal_OfAFileSystemMadeSo_SaysSo(bool isJournaled)
    {
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4, formatOptions: isJournaled ? [] : ["-O", "^has_journal"]);

        Assert.Equal(isJournaled, Ext4.HasJournal(disk.Root));
    }

    [Fact]
    public void HasJournal_OfWhatIsNoExt4_False()
    {
        using var proc = Files.OpenDirectory("/proc");

        Assert.False(Ext4.HasJournal(proc));
    }
}
