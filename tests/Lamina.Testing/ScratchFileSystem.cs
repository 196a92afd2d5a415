using Lamina.Linux;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Lamina.Testing;

/// <summary>
/// A mounted <see cref="LoopDisk"/> as a fixture that tests share, since mkfs takes a while. Tests use directories of their own in it.
/// Where it can't be made, whoever asks for it is skipped.
/// </summary>
public abstract class ScratchFileSystem : IAsyncLifetime
{
    private readonly FileSystemKind _kind;
    private readonly bool _simpleQuotas;
    private readonly bool _projectQuotas;
    private LoopDisk? _disk;

    protected ScratchFileSystem(FileSystemKind kind, bool simpleQuotas = false, bool projectQuotas = false)
    {
        _kind = kind;
        _simpleQuotas = simpleQuotas;
        _projectQuotas = projectQuotas;
    }

    /// <summary>The disk.</summary>
    public LoopDisk Disk
    {
        get
        {
            Requirements.Met(Missing is null, Missing ?? "");
            return _disk ?? throw new InvalidOperationException("The fixture is not initialised.");
        }
    }

    /// <summary>Where it is mounted.</summary>
    public string MountPoint => Disk.MountPoint;

    /// <summary>The root directory, open.</summary>
    public SafeFileHandle Root => Disk.Root;

    /// <summary>A new empty directory on it.</summary>
    public string NewDirectory(string name = "d") => Disk.NewDirectory(name);

    // Simple quotas came with 6.7.
    private string? Missing =>
        Requirements.Missing(_kind) ?? (_simpleQuotas && !Requirements.HasKernel(6, 7) ? "needs Linux 6.7" : null);

    public async ValueTask InitializeAsync()
    {
        // A fixture can't skip, only its tests can: they do when they ask for the disk.
        if (Missing is null)
            _disk = await LoopDisk.CreateAsync(_kind, simpleQuotas: _simpleQuotas, projectQuotas: _projectQuotas);
    }

    public ValueTask DisposeAsync()
    {
        _disk?.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
