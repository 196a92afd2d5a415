using Lamina.Linux;

namespace Lamina.Testing;

/// <summary>
/// Looks at the end of a test process whether anything is left of it on the host: a mount or a loop device under the scratch root. That
/// fails the run; what was left is cleared away, so that the next run finds the host clean. Register it once in each test project:
/// <c>[assembly: AssemblyFixture(typeof(HostLeakCheck))]</c>.
/// </summary>
public sealed class HostLeakCheck : IDisposable
{
    public void Dispose()
    {
        if (!TestScratch.IsUsed)
            return;
        var root = TestScratch.Root;
        var leaks = MountTable.Read().Beneath(root).Select(mount => $"mount {mount.MountPoint} ({mount.FileSystemType})").ToList();
        MountCleanup.UnmountBeneath(root);

        foreach (var loop in MountCleanup.WaitForLoopDevices(root))
        {
            leaks.Add($"loop device {loop.Path} on {loop.BackingFile}");
            using var device = LoopDevice.Open(loop.Number, readOnly: true);
            device.Detach();
        }

        using (var parent = Files.OpenDirectory(Path.GetDirectoryName(root)!))
            TreeRemoval.Remove(parent, Path.GetFileName(root), CancellationToken.None);
        if (leaks.Count > 0)
            throw new InvalidOperationException($"Left on the host by the tests: {string.Join("; ", leaks)}");
    }
}
