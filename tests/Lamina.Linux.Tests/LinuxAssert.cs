namespace Lamina.Linux.Tests;

internal static class LinuxAssert
{
    /// <summary>The action fails with this error.</summary>
    public static LinuxException Fails(Errno errno, Action action)
    {
        var thrown = Assert.Throws<LinuxException>(action);
        Assert.Equal(errno, thrown.Errno);
        return thrown;
    }

    /// <summary>The action fails with this error.</summary>
    public static LinuxException Fails(Errno errno, Func<object?> action) => Fails(errno, () => { _ = action(); });
}
