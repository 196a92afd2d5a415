using Lamina.Linux;
using Lamina.Storage.Attachments;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Attachments;

/// <summary>What is on the disk before a tree is said to be a group's.</summary>
[Collection<Ext4Collection>]
public sealed class GroupAccessTests(Ext4FileSystem fileSystem)
{
    private const uint Group = 4711;

    [Fact]
    public async Task Give_OneFileInATreeThatIsTheGroups_IsFlushedBeforeTheMark()
    {
        using var root = Files.OpenDirectory(fileSystem.NewDirectory());
        GroupAccess.Give(root, Group);
        ExtendedAttributes.Remove(root, GroupAccess.DoneAttribute);
        Files.OpenAt(root, "late", OpenFlags.WriteOnly | OpenFlags.Create, 0x100).Dispose();
        Files.ChangeOwner(root, "late", 0, 0);

        var flushes = await FlushCounter.CountAsync(() => Task.FromResult(GroupAccess.Give(root, Group)));

        Assert.Equal(Group, Files.StatAt(root, "late").Gid);
        Assert.Equal(["syncfs"], flushes);
    }

    [Fact]
    public async Task Give_AnEmptyTree_WaitsForNothing()
    {
        using var root = Files.OpenDirectory(fileSystem.NewDirectory());

        // What changes lies in the root, as the mark does.
        Assert.Empty(await FlushCounter.CountAsync(() => Task.FromResult(GroupAccess.Give(root, Group))));
        Assert.Null(GroupAccess.Give(root, Group));
    }
}
