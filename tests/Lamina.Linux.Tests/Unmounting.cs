namespace Lamina.Linux.Tests;

/// <summary>Unmounts at the end of a test.</summary>
internal readonly struct Unmounting(string target) : IDisposable
{
    public void Dispose() => Mounts.Unmount(target);
}
