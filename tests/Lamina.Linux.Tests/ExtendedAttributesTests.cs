using Lamina.Testing;

namespace Lamina.Linux.Tests;

[Collection<XfsCollection>]
public sealed class ExtendedAttributesTests(XfsFileSystem fileSystem) : IDisposable
{
    private readonly ScratchDirectory _scratch = new(fileSystem.NewDirectory());

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Get_NotSet_Null()
    {
        _scratch.Write("file", "");

        Assert.Null(ExtendedAttributes.Get(_scratch.Handle, "file", "trusted.x"));
        Assert.Null(ExtendedAttributes.Get(_scratch.Handle, "user.x"));
    }

    [Fact]
    public void Get_FileMissing_Enoent() =>
        LinuxAssert.Fails(Errno.ENOENT, () => ExtendedAttributes.Get(_scratch.Handle, "missing", "user.x"));

    [Theory]
    [InlineData(0)]
    [InlineData(255)]
    [InlineData(257)]
    [InlineData(65_536)]
    public void Set_ValuesOfAllSizes_ComeBack(int size)
    {
        var value = new byte[size];
        new Random(size).NextBytes(value);
        _scratch.Write("file", "");

        ExtendedAttributes.Set(_scratch.Handle, "file", "trusted.x", value);

        Assert.Equal(value, ExtendedAttributes.Get(_scratch.Handle, "file", "trusted.x"));
    }

    [Fact]
    public void Set_ByHandleOfThePlace_IsSeenByName()
    {
        _scratch.Write("file", "");
        using var place = Files.OpenAt(_scratch.Handle, "file", OpenFlags.Path | OpenFlags.NoFollow);

        ExtendedAttributes.Set(place, "user.x", "one"u8);
        ExtendedAttributes.Set(place, "user.x", "two"u8);

        Assert.Equal("two"u8.ToArray(), ExtendedAttributes.Get(_scratch.Handle, "file", "user.x"));
        Assert.Equal("two"u8.ToArray(), ExtendedAttributes.Get(place, "user.x"));
    }

    [Fact]
    public void Set_SymbolicLink_IsTheLinksOwn()
    {
        _scratch.Write("target", "");
        Files.SymbolicLink("target", _scratch.Handle, "link");
        using var place = Files.OpenAt(_scratch.Handle, "link", OpenFlags.Path | OpenFlags.NoFollow);

        ExtendedAttributes.Set(_scratch.Handle, "link", "trusted.name", "x"u8);
        ExtendedAttributes.Set(place, "trusted.handle", "x"u8);

        Assert.Empty(ExtendedAttributes.List(_scratch.Handle, "target"));
        Assert.Equal(["trusted.handle", "trusted.name"], ExtendedAttributes.List(place).Order(StringComparer.Ordinal));
        Assert.Equal(2, ExtendedAttributes.List(_scratch.Handle, "link").Count);
    }

    [Fact]
    public void List_Many_AllNames()
    {
        _scratch.Write("file", "");
        var names = Enumerable.Range(0, 100).Select(i => $"trusted.attribute-{i:d3}").ToList();
        foreach (var name in names)
            ExtendedAttributes.Set(_scratch.Handle, "file", name, "x"u8);

        Assert.Equal(names, ExtendedAttributes.List(_scratch.Handle, "file").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void List_FileSystemWithout_Empty()
    {
        using var proc = Files.OpenDirectory("/proc/self");

        Assert.Empty(ExtendedAttributes.List(proc, "status"));
    }

    [Fact]
    public void Remove_Set_IsGone()
    {
        _scratch.Write("file", "");
        ExtendedAttributes.Set(_scratch.Handle, "file", "user.x", "x"u8);

        ExtendedAttributes.Remove(_scratch.Handle, "file", "user.x");

        Assert.Empty(ExtendedAttributes.List(_scratch.Handle, "file"));
        LinuxAssert.Fails(Errno.ENODATA, () => ExtendedAttributes.Remove(_scratch.Handle, "file", "user.x"));
    }
}
