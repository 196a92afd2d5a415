namespace Lamina.Linux.Tests;

public sealed class LinuxExceptionTests
{
    [Fact]
    public void Message_WithoutDetail_NamesOperationAndError()
    {
        var exception = new LinuxException("open /x", Errno.ENOENT);

        Assert.Equal("open /x: No such file or directory (ENOENT)", exception.Message);
    }

    [Fact]
    public void Message_WithDetail_EndsWithIt()
    {
        var exception = new LinuxException("mount overlay", Errno.EINVAL, "overlay: Unknown parameter 'x'");

        Assert.Equal("mount overlay: Invalid argument (EINVAL): overlay: Unknown parameter 'x'", exception.Message);
    }

    [Fact]
    public void Message_UnknownError_HoldsItsNumber() =>
        Assert.Contains("(4321)", new LinuxException("x", (Errno)4321).Message, StringComparison.Ordinal);

    [Fact]
    public void OpenAt_NameMissing_ErrorNamesThePathOfTheDirectoryToo()
    {
        using var directory = Files.OpenDirectory("/proc/self");

        var thrown = LinuxAssert.Fails(Errno.ENOENT, () => Files.OpenAt(directory, "missing", OpenFlags.ReadOnly));

        Assert.Equal($"open /proc/{Environment.ProcessId}/missing", thrown.Operation);
    }
}
