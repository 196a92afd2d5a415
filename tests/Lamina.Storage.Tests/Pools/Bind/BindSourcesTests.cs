using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Bind;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Bind;

/// <summary>Which directories of the host may be served.</summary>
public sealed class BindSourcesTests
{
    private readonly string _top = TestScratch.NewDirectory("host");

    public BindSourcesTests()
    {
        foreach (var directory in (string[])["data/x/y", "data-2", "other", "data/run/mounts", "data/state/pools/fast", "data/moved/volumes"])
            Directory.CreateDirectory(At(directory));
        File.WriteAllText(At("data/file"), "");
        File.WriteAllText(At("data/moved/pool.json"), "{}");
        File.CreateSymbolicLink(At("data/link"), At("other"));
        File.CreateSymbolicLink(At("data/inside"), "x");
    }

    [Theory]
    [InlineData("data")]
    [InlineData("data/x")]
    [InlineData("data/x/y")]
    public void Resolve_AtOrBeneathARoot_IsThatDirectory(string directory)
    {
        // The root with everything of ours elsewhere: it holds none of it.
        var environment = new PoolEnvironment { BindRoots = [At("data")], RuntimeDirectory = At("run"), OwnPaths = () => [At("state")] };

        var mount = new BindSources(environment).Resolve(IStorageValue<MountTarget>.Parse(At(directory)));

        Assert.Equal(At(directory), Path.GetFullPath(Path.Combine(mount.Root, mount.Path)));
    }

    [Theory]
    [InlineData("other", "is not beneath ")]
    [InlineData("data-2", "is not beneath ")]
    [InlineData("data/gone", "does not exist; make it first")]
    [InlineData("data/file", "is not a directory")]
    [InlineData("data/link", "a symbolic link lies on its path")]
    [InlineData("data/inside/y", "a symbolic link lies on its path")]
    [InlineData("data/moved", "a Lamina pool lies there")]
    [InlineData("data/moved/volumes", "a Lamina pool lies there")]
    [InlineData("data/run", "/data/run is Lamina's own")]
    [InlineData("data/run/mounts", "/data/run is Lamina's own")]
    [InlineData("data/state", "/data/state/pools/fast is Lamina's own")]
    [InlineData("data", "is Lamina's own")]
    public void Resolve_WhatMayNotBeServed_SaysWhy(string directory, string message)
    {
        var refused = Assert.Throws<StorageException>(() => Sources(At("data")).Resolve(IStorageValue<MountTarget>.Parse(At(directory))));

        Assert.Equal(StorageError.InvalidArgument, refused.Error);
        Assert.Contains($"the directory {At(directory)} can't be served: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_OutsideTheRoots_SaysHowToAllowIt()
    {
        var refused = Assert.Throws<StorageException>(() => Sources(At("data/x"), At("data-2")).Resolve(IStorageValue<MountTarget>.Parse(At("other"))));

        Assert.Contains($"beneath {At("data/x")} or {At("data-2")}; add a root to \"bindRoots\"", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_WithoutRoots_SaysHowToAllowIt()
    {
        var refused = Assert.Throws<StorageException>(() => Sources().Resolve(IStorageValue<MountTarget>.Parse(At("other"))));

        Assert.Contains("name their roots in \"bindRoots\" of the configuration", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_WithARootThatLiesInAPool_IsRefused()
    {
        var refused = Assert.Throws<StorageException>(() => Sources(At("data/moved/volumes")).Resolve(IStorageValue<MountTarget>.Parse(At("data/moved/volumes"))));

        Assert.Contains($"a Lamina pool lies there, at {At("data/moved")}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_OfTheRootOfAll_IsRefused() =>
        Assert.Equal(StorageError.InvalidArgument, Assert.Throws<StorageException>(() => IStorageValue<MountTarget>.Parse("/")).Error);

    private BindSources Sources(params string[] roots) =>
        new(new PoolEnvironment { BindRoots = roots, RuntimeDirectory = At("data/run"), OwnPaths = () => [At("data/state/pools/fast")] });

    private string At(string relative) => Path.Combine(_top, relative);
}
