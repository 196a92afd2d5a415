using Lamina.Testing;

namespace Lamina.Linux.Tests;

[Collection<Ext4Collection>]
public sealed class OverlayTests : IDisposable
{
    private readonly ScratchDirectory _scratch;

    public OverlayTests(Ext4FileSystem fileSystem)
    {
        _scratch = new ScratchDirectory(fileSystem.NewDirectory());
        foreach (var name in new[] { "lower", "upper", "work", "target" })
            Files.MakeDirectory(_scratch.Handle, name, 0x1ed);
    }

    private OverlayOptions Options => new()
    {
        LowerDirectories = [_scratch["lower"]],
        UpperDirectory = _scratch["upper"],
        WorkDirectory = _scratch["work"],
    };

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MountOverlay_Written_GoesToTheUpper(bool classic)
    {
        _scratch.Write("lower/file", "lower");
        using var unmounting = Mount(Options, classic, MountAttributes.NoDevices);

        Assert.Equal("lower", File.ReadAllText(_scratch["target/file"]));
        _scratch.Write("target/file", "changed");

        Assert.Equal("changed", File.ReadAllText(_scratch["upper/file"]));
        Assert.Equal("lower", File.ReadAllText(_scratch["lower/file"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MountOverlay_Defaults_AreWhatSealingNeeds(bool classic)
    {
        using var unmounting = Mount(Options with { Source = "a name" }, classic, MountAttributes.NoSetUid);

        var entry = MountTable.Read().FindTop(_scratch["target"])!;
        Assert.Equal(("overlay", "a name", "rw,nosuid,relatime"), (entry.FileSystemType, entry.Source, entry.Options));
        Assert.Contains("redirect_dir=on", entry.SuperOptions, StringComparison.Ordinal);
        Assert.DoesNotContain("index=on", entry.SuperOptions, StringComparison.Ordinal);
        Assert.DoesNotContain("metacopy=on", entry.SuperOptions, StringComparison.Ordinal);
        Assert.DoesNotContain("volatile", entry.SuperOptions, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MountOverlay_PathsWithEverySeparator_AreTakenAsTheyAre(bool classic)
    {
        const string name = @"a,b:c\d e=f";
        foreach (var kind in new[] { "lower1", "lower2", "upper", "work" })
            Directory.CreateDirectory(_scratch[$"{name}/{kind}{name}"]);
        _scratch.Write($"{name}/lower2{name}/file", "bottom");
        var options = new OverlayOptions
        {
            LowerDirectories = [_scratch[$"{name}/lower1{name}"], _scratch[$"{name}/lower2{name}"]],
            UpperDirectory = _scratch[$"{name}/upper{name}"],
            WorkDirectory = _scratch[$"{name}/work{name}"],
        };

        using var unmounting = Mount(options, classic, MountAttributes.None);

        Assert.Equal("bottom", File.ReadAllText(_scratch["target/file"]));
        _scratch.Write("target/new", "x");
        Assert.True(File.Exists(_scratch[$"{name}/upper{name}/new"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MountOverlay_WithoutUpper_IsReadOnlyAndTheFirstLayerIsOnTop(bool classic)
    {
        Files.MakeDirectory(_scratch.Handle, "bottom", 0x1ed);
        _scratch.Write("lower/file", "top");
        _scratch.Write("bottom/file", "bottom");
        var options = new OverlayOptions { LowerDirectories = [_scratch["lower"], _scratch["bottom"]] };

        using var unmounting = Mount(options, classic, MountAttributes.ReadOnly | MountAttributes.NoAccessTime);

        Assert.Equal("top", File.ReadAllText(_scratch["target/file"]));
        LinuxAssert.Fails(Errno.EROFS, () => Files.Open(_scratch["target/file"], OpenFlags.WriteOnly));
        Assert.Equal("ro,noatime", MountTable.Read().FindTop(_scratch["target"])!.Options);
    }

    [Theory]
    [InlineData(200, false)]
    [InlineData(100, true)]
    public void MountOverlay_ManyLayers_AllShow(int count, bool classic)
    {
        // With absolute paths neither would fit in a page.
        var layers = Layers(count);
        Assert.True(string.Join(':', layers).Length > Environment.SystemPageSize);

        using var unmounting = Mount(Options with { LowerDirectories = layers }, classic, MountAttributes.None);

        Assert.Equal(count, Directory.EnumerateFiles(_scratch["target"]).Count());
    }

    [Fact]
    public void MountOverlayClassic_MoreThanAPage_Enametoolong()
    {
        var options = Options with { LowerDirectories = Layers(450) };

        LinuxAssert.Fails(
            Errno.ENAMETOOLONG, () => Mounts.MountOverlayClassic(options, _scratch["target"], MountAttributes.None));
    }

    [Fact]
    public void CreateOverlay_DirectoryRename_IsARedirectAndNoExdev()
    {
        Directory.CreateDirectory(_scratch["lower/before/child"]);
        using var unmounting = Mount(Options, classic: false, MountAttributes.None);

        Files.Rename(_scratch.Handle, "target/before", _scratch.Handle, "target/after");

        using var upper = Files.OpenDirectory(_scratch["upper"]);
        Assert.Equal("before"u8.ToArray(), ExtendedAttributes.Get(upper, "after", "trusted.overlay.redirect"));
        Assert.Equal(FileKind.CharacterDevice, Files.StatAt(upper, "before").Kind);
    }

    [Fact]
    public void CreateOverlay_LayerMissing_EnoentNamesIt()
    {
        var options = Options with { LowerDirectories = [_scratch["missing"]] };

        var thrown = LinuxAssert.Fails(Errno.ENOENT, () => Mounts.CreateOverlay(options, MountAttributes.None));

        Assert.Contains(_scratch["missing"], thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CreateOverlay_IndexAndUpperInUse_Ebusy()
    {
        using var unmounting = Mount(Options, classic: false, MountAttributes.None);

        LinuxAssert.Fails(Errno.EBUSY, () => Mounts.CreateOverlay(Options with { Index = true }, MountAttributes.None));
    }

    [Fact]
    public void CreateOverlay_OptionsThatDontFitTogether_AreRefusedBeforeTheKernelIsAsked()
    {
        Assert.Throws<ArgumentException>(() => Mounts.CreateOverlay(Options with { WorkDirectory = null }, MountAttributes.None));
        Assert.Throws<ArgumentException>(() => Mounts.CreateOverlay(Options with { LowerDirectories = [] }, MountAttributes.None));
    }

    private Unmounting Mount(OverlayOptions options, bool classic, MountAttributes attributes)
    {
        if (classic)
            Mounts.MountOverlayClassic(options, _scratch["target"], attributes);
        else
            Mounts.MountOverlay(options, _scratch["target"], attributes);
        return new Unmounting(_scratch["target"]);
    }

    private List<string> Layers(int count)
    {
        var layers = Enumerable.Range(0, count).Select(i => $"layer-{i:d3}").ToList();
        foreach (var name in layers)
        {
            using var layer = _scratch.CreateDirectory(name);
            Files.MakeNode(layer, name, 0x8000, 0);
        }
        return layers.ConvertAll(name => _scratch[name]);
    }
}
