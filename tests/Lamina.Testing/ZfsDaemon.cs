using System.Diagnostics;
using System.Globalization;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Testing;

/// <summary>
/// The ZFS of this machine for as long as a fixture wants it: the kernel's where there is one, else zfs-fuse, of which a machine has one at a time. Fixtures
/// take turns, as zfs-fuse hangs when two daemons mount at once; a file that is locked keeps test programs apart that run by the side of each other.
/// </summary>
internal static class ZfsDaemon
{
    private const string LockPath = "/var/tmp/lamina-tests-zfs.lock";
    private static readonly SemaphoreSlim s_turn = new(1, 1);
    private static SafeFileHandle? s_lock;
    private static Process? s_daemon;

    /// <summary>What keeps us from having ZFS here; null: nothing.</summary>
    internal static string? Missing =>
        !Environment.IsPrivilegedProcess ? "needs root"
        : IsInKernel || ChildProcess.Exists("zfs-fuse") ? null
        : "needs OpenZFS, or zfs-fuse of the package zfs-fuse";

    /// <summary>Whether the kernel has it: OpenZFS.</summary>
    internal static bool IsInKernel => File.Exists("/dev/zfs");

    /// <summary>Begins to use it, when no other fixture does any more.</summary>
    internal static async Task AcquireAsync()
    {
        await s_turn.WaitAsync();
        try
        {
            s_lock = Files.Open(LockPath, OpenFlags.ReadWrite | OpenFlags.Create, 0x180);
            while (Files.TryLock(s_lock) is null)
                await Task.Delay(200);
            if (!IsInKernel && !await AnswersAsync())
                await StartAsync();
        }
        catch
        {
            s_turn.Release();
            throw;
        }
    }

    /// <summary>Ends the use, and the daemon, if we have started it.</summary>
    internal static async Task ReleaseAsync()
    {
        try
        {
            if (s_daemon is { } daemon)
            {
                // Never killed: what it has mounted would hang.
                await ChildProcess.RunAsync("kill", ["-TERM", daemon.Id.ToString(CultureInfo.InvariantCulture)], CancellationToken.None);
                await daemon.WaitForExitAsync();
                daemon.Dispose();
            }
        }
        finally
        {
            (s_daemon, var held) = (null, s_lock);
            s_lock = null;
            held?.Dispose();
            s_turn.Release();
        }
    }

    // The defaults of writes end it at the first limit that is reached. What it would dump is a gigabyte. With
    // extended attributes (--enable-xattr) it sometimes never ends an unmount, and all else waits for that.
    private static async Task StartAsync()
    {
        var log = TestScratch.NewPath("zfs-fuse.log");
        var start = new ProcessStartInfo("/bin/sh", ["-c", "ulimit -c 0; exec zfs-fuse --no-daemon --no-kstat-mount -o default_permissions,max_write=4096 <&- >\"$0\" 2>&1", log]) { WorkingDirectory = "/" };
        start.Environment["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin";
#pragma warning disable RS0030 // It runs beside the tests, and is not waited for.
        s_daemon = Process.Start(start)!;
#pragma warning restore RS0030
        for (var attempt = 0; !await AnswersAsync(); attempt++)
        {
            if (s_daemon.HasExited || attempt == 300)
                throw new InvalidOperationException($"zfs-fuse does not answer: {await File.ReadAllTextAsync(log)}");
            await Task.Delay(100);
        }
    }

    private static async Task<bool> AnswersAsync() => (await ChildProcess.RunAsync("zpool", ["list", "-H"], CancellationToken.None)).Succeeded;
}
