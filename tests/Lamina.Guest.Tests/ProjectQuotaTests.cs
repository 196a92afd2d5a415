using Lamina.Linux;
using Lamina.Testing;

namespace Lamina.Guest.Tests;

/// <summary>What the kernel makes of project quotas. That they are limits is for the pools' tests.</summary>
public abstract class ProjectQuotaTests(ScratchFileSystem fileSystem) : IDisposable
{
    private const ulong MiB = 1 << 20;
    private static uint s_lastProject = 1000;

    private readonly ScratchDirectory _scratch = new(fileSystem.NewDirectory());
    private readonly uint _project = Interlocked.Increment(ref s_lastProject);

    public void Dispose()
    {
        _scratch.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void IsEnforced_MountedWithProjectQuotas_True() => Assert.True(ProjectQuota.IsEnforced(fileSystem.Root));

    [Fact]
    public void Get_UnknownProject_NothingUsedAndNoLimit() => Assert.Equal(default, ProjectQuota.Get(fileSystem.Root, _project));

    [Fact]
    public void SetLimit_Given_IsReadAgainAndTakenAway()
    {
        ProjectQuota.SetLimit(fileSystem.Root, _project, 16 * MiB + 1, 100);
        var limited = ProjectQuota.Get(fileSystem.Root, _project);
        ProjectQuota.SetLimit(fileSystem.Root, _project, null, null);
        var free = ProjectQuota.Get(fileSystem.Root, _project);

        Assert.InRange(limited.ByteLimit ?? 0, 16 * MiB + 1, 16 * MiB + 4096);
        Assert.Equal(100UL, limited.InodeLimit);
        Assert.Equal((null, null), (free.ByteLimit, free.InodeLimit));
    }

    [Fact]
    public void SetProject_Inherited_WhatIsMadeInItCounts()
    {
        var directory = NewProject();

        using (var file = new FileStream($"{directory}/file", FileMode.CreateNew))
        {
            file.Write(new byte[MiB]);
            file.Flush(flushToDisk: true);
        }

        var usage = ProjectQuota.Get(fileSystem.Root, _project);
        Assert.InRange(usage.Bytes, MiB, 2 * MiB);
        Assert.Equal(2UL, usage.Inodes);
    }

    [Fact]
    public void SetProject_Inherited_NothingOfAnotherProjectIsRenamedIntoIt()
    {
        var directory = NewProject();
        var stranger = _scratch["stranger"];
        Directory.CreateDirectory(stranger);
        File.WriteAllText($"{stranger}/file", "");
        using var from = Files.OpenDirectory(stranger);
        using var to = Files.OpenDirectory(directory);

        var failure = Assert.Throws<LinuxException>(() => Files.Rename(from, "file", to, "file"));

        Assert.Equal(Errno.EXDEV, failure.Errno);
    }

    private string NewProject()
    {
        var path = _scratch["project"];
        Directory.CreateDirectory(path);
        using var directory = Files.OpenDirectory(path);
        ProjectQuota.SetProject(directory, _project, inherit: true);
        return path;
    }
}
