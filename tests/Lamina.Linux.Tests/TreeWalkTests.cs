using Lamina.Testing;

namespace Lamina.Linux.Tests;

public sealed class TreeWalkTests
{
    private readonly string _tree = TestScratch.NewDirectory("tree");

    [Fact]
    public void Run_OverATree_VisitsEverythingOnceAndTheRootFirst()
    {
        Directory.CreateDirectory(Path.Combine(_tree, "a", "b"));
        foreach (var file in (string[])["top", "a/middle", "a/b/bottom"])
            File.WriteAllText(Path.Combine(_tree, file), "");

        var visited = Walk();

        Assert.Equal("", visited[0]);
        Assert.Equal(["", "a", "a/b", "a/b/bottom", "a/middle", "top"], visited.Order(StringComparer.Ordinal));
        Assert.True(visited.IndexOf("a") < visited.IndexOf("a/b"));
    }

    [Fact]
    public void Run_AtASymbolicLink_VisitsTheLinkAlone()
    {
        var outside = TestScratch.NewDirectory("outside");
        File.WriteAllText(Path.Combine(outside, "file"), "");
        File.CreateSymbolicLink(Path.Combine(_tree, "link"), outside);

        Assert.Equal(["", "link"], Walk());
    }

    [Fact]
    public void Run_AtMounts_GoesAroundThem()
    {
        var other = TestScratch.NewDirectory("other");
        File.WriteAllText(Path.Combine(other, "inside"), "");
        File.WriteAllText(Path.Combine(other, "single"), "");
        Directory.CreateDirectory(Path.Combine(_tree, "directory"));
        File.WriteAllText(Path.Combine(_tree, "file"), "");
        Bind(other, Path.Combine(_tree, "directory"));
        Bind(Path.Combine(other, "single"), Path.Combine(_tree, "file"));
        try
        {
            Assert.Equal([""], Walk());
        }
        finally
        {
            Mounts.Unmount(Path.Combine(_tree, "directory"));
            Mounts.Unmount(Path.Combine(_tree, "file"));
        }
    }

    [Fact]
    public void Run_OverADeepTree_HoldsFewDescriptors()
    {
        const int depth = 3000;
        var current = Files.OpenDirectory(_tree);
        for (var i = 0; i < depth; i++)
        {
            Files.MakeDirectory(current, "d", 0x1C0);
            var next = Files.OpenDirectoryAt(current, "d");
            current.Dispose();
            current = next;
        }
        current.Dispose();

        var (directories, most) = (0, 0);
        using var root = Files.OpenDirectory(_tree);
        var before = Directory.GetFileSystemEntries("/proc/self/fd").Length;
        TreeWalk.Run(
            root,
            _ =>
            {
                if (++directories % 500 == 0)
                    most = Math.Max(most, Directory.GetFileSystemEntries("/proc/self/fd").Length);
            },
            (_, _, _) => { });

        Assert.Equal(depth + 1, directories);
        Assert.InRange(most, 1, before + 100);
    }

    [Fact]
    public void Run_WhileADirectoryIsMovedAway_BeginsAgainAndStaysInTheTree()
    {
        var outside = TestScratch.NewDirectory("outside");
        File.WriteAllText(Path.Combine(outside, "precious"), "");
        Directory.CreateDirectory(Path.Combine(_tree, "a", "moved"));
        Directory.CreateDirectory(Path.Combine(_tree, "b"));
        var moved = false;

        var visited = Walk(path =>
        {
            if (moved || path != "a/moved")
                return;
            moved = true;
            Directory.Move(Path.Combine(_tree, "a", "moved"), Path.Combine(outside, "moved"));
        });

        Assert.True(moved);
        Assert.Contains("b", visited);
        Assert.DoesNotContain(visited, name => name.Contains("precious", StringComparison.Ordinal));
    }

    [Fact]
    public void Run_WhileDirectoriesAreMovedAllTheTime_GivesUp()
    {
        var outside = TestScratch.NewDirectory("outside");
        var count = 0;
        Directory.CreateDirectory(Path.Combine(_tree, "a", "m0"));
        var failure = Assert.Throws<LinuxException>(() => Walk(path =>
        {
            if (!path.StartsWith("a/m", StringComparison.Ordinal))
                return;
            Directory.Move(Path.Combine(_tree, path), Path.Combine(outside, $"m{count++}"));
            Directory.CreateDirectory(Path.Combine(_tree, "a", $"m{count}"));
        }));
        Assert.Equal(Errno.ESTALE, failure.Errno);
    }

    private static void Bind(string source, string target)
    {
        using var handle = Files.Open(source, OpenFlags.Path);
        using var tree = Mounts.CloneTree(handle);
        Mounts.Attach(tree, target);
    }

    private List<string> Walk(Action<string>? enter = null)
    {
        var visited = new List<string>();
        using var root = Files.OpenDirectory(_tree);
        TreeWalk.Run(
            root,
            directory =>
            {
                visited.Add(NameOf(directory));
                enter?.Invoke(visited[^1]);
            },
            (directory, name, _) => visited.Add(Path.Combine(NameOf(directory), name)));
        return visited;
    }

    private string NameOf(Microsoft.Win32.SafeHandles.SafeFileHandle directory) =>
        Path.GetRelativePath(_tree, Files.CurrentPath(directory)) is var name && name == "." ? "" : name;
}
