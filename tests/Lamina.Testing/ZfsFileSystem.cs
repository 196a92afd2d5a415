using System.Globalization;
using Lamina.Linux;
using Xunit;

namespace Lamina.Testing;

/// <summary>
/// A scratch ZFS pool on a sparse file, as a fixture that tests share. Tests use datasets of their own in it. Where there is no ZFS, whoever asks for it is
/// skipped.
/// </summary>
public sealed class ZfsFileSystem : IAsyncLifetime
{
    private static int s_count;
    private string? _pool;
    private string? _image;
    private bool _isAcquired;

    /// <summary>Whether the kernel has it: OpenZFS.</summary>
    public static bool IsInKernel => ZfsDaemon.IsInKernel;

    /// <summary>The name of the pool.</summary>
    public string Pool
    {
        get
        {
            Requirements.Met(ZfsDaemon.Missing is null, ZfsDaemon.Missing ?? "");
            return _pool ?? throw new InvalidOperationException("The fixture is not initialised.");
        }
    }

    /// <summary>The name of a dataset that does not exist.</summary>
    public string NewDataset(string name = "lamina") => string.Create(CultureInfo.InvariantCulture, $"{Pool}/{name}{Interlocked.Increment(ref s_count)}");

    /// <summary>Runs <c>zfs</c>, which must succeed.</summary>
    public static Task<string> RunAsync(params string[] arguments) => RunAsync("zfs", arguments);

    /// <summary>Destroys a dataset with everything beneath it and made from it, when what was unmounted just now is so.</summary>
    public static async Task DestroyAsync(string dataset)
    {
        for (var attempt = 0; ; attempt++)
        {
            var result = await ChildProcess.RunAsync("zfs", ["destroy", "-R", dataset], CancellationToken.None);
            if (result.Succeeded || result.Error.Contains("does not exist", StringComparison.Ordinal))
                return;
            if (attempt == 100)
                throw new InvalidOperationException($"Left of a test: {result.Error}");
            await Task.Delay(100);
        }
    }

    public async ValueTask InitializeAsync()
    {
        // A fixture can't skip, only its tests can: they do when they ask for the pool.
        if (ZfsDaemon.Missing is not null)
            return;
        await ZfsDaemon.AcquireAsync();
        _isAcquired = true;
        _image = TestScratch.NewPath("zfs.img");
        await using (var file = File.Create(_image))
            file.SetLength(2L << 30);
        var pool = string.Create(CultureInfo.InvariantCulture, $"laminatest{Environment.ProcessId}x{Interlocked.Increment(ref s_count)}");
        await RunAsync("zpool", ["create", "-m", "none", "-o", "cachefile=none", pool, _image]);
        _pool = pool;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_isAcquired)
            return;
        if (_pool is not null)
        {
            foreach (var mount in MountTable.Read().Entries.Where(mount => mount.Source.StartsWith(_pool + "/", StringComparison.Ordinal)).Reverse())
                MountCleanup.UnmountBeneath(mount.MountPoint);
            for (var attempt = 0; !(await ChildProcess.RunAsync("zpool", ["destroy", _pool], CancellationToken.None)).Succeeded && attempt < 100; attempt++)
                await Task.Delay(100);
        }
        if (_image is not null)
            File.Delete(_image);
        await ZfsDaemon.ReleaseAsync();
    }

    private static async Task<string> RunAsync(string program, string[] arguments)
    {
        var result = await ChildProcess.RunAsync(program, arguments, CancellationToken.None);
        return result.Succeeded ? result.Output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {result.Error}");
    }
}
