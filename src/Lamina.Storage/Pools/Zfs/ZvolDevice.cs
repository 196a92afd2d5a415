using System.Globalization;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>
/// The device of a zvol, open. Which zvol a device is, it says itself: the links that udev makes beneath <c>/dev/zvol</c> come some moments later, and may be
/// of before a rename.
/// </summary>
internal sealed class ZvolDevice : IDisposable
{
    private const string Links = "/dev/zvol";
    private const string Devices = "/sys/block";
    private const string Prefix = "zd";
    private const int RestartSystemCall = 512; // ERESTARTSYS of the kernel's include/linux/errno.h
    private const int OpenAttempts = 10;

    // While nothing is linked, all are asked only now and then, as to ask one is to open it.
    private const int LooksPerSearch = 10;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_leaving = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    private ZvolDevice(SafeFileHandle handle, string name, string path)
    {
        Handle = handle;
        Name = name;
        Path = path;
    }

    /// <summary>The open device.</summary>
    internal SafeFileHandle Handle { get; }

    /// <summary>Which zvol it is.</summary>
    internal string Name { get; }

    /// <summary>/dev/zdN, which stays when the zvol is renamed.</summary>
    internal string Path { get; }

    /// <summary>Its size.</summary>
    internal long Size => BlockDevice.GetSize(Handle);

    /// <summary>The device of a zvol; null when it has none.</summary>
    internal static ZvolDevice? TryFind(string dataset)
    {
        if (TryFindLinked(dataset) is { } linked)
            return linked;
        using var devices = Files.OpenDirectory(Devices);
        foreach (var entry in Files.Enumerate(devices).Where(entry => entry.Name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            if (TryOpenAny($"/dev/{entry.Name}") is not { } device)
                continue;
            if (device.Name == dataset)
                return device;
            device.Dispose();
        }
        return null;
    }

    /// <summary>The device that a mount is of: of its node, or of a filesystem on it. Null when it is of something else, or of one that is no more.</summary>
    internal static ZvolDevice? TryFindMounted(MountEntry mount)
    {
        var name = DeviceNodes.IsNode(mount) ? mount.Root.TrimStart('/') : mount.Source.StartsWith($"/dev/{Prefix}", StringComparison.Ordinal) ? mount.Source["/dev/".Length..] : null;
        return name?.StartsWith(Prefix, StringComparison.Ordinal) == true ? TryOpenAny($"/dev/{name}") : null;
    }

    /// <summary>
    /// Waits until a zvol has its device, of a size or a larger one: a volume may not know yet that it was grown, when growing its filesystem failed.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: it does not come.</exception>
    internal static async Task<ZvolDevice> WaitAsync(string dataset, ByteSize size, TimeProvider time)
    {
        var begin = time.GetTimestamp();
        for (var look = 1; ; look++)
        {
            var isLast = time.GetElapsedTime(begin) >= s_patience;
            if ((isLast || look % LooksPerSearch == 0 ? TryFind(dataset) : TryFindLinked(dataset)) is { } device)
            {
                if (device.Size >= size.Bytes)
                    return device;
                using (device)
                {
                    if (isLast)
                        throw new StorageException(StorageError.DataLoss, $"the device {device.Path} of {dataset} has {device.Size} bytes, fewer than the volume's {size.Bytes}; nothing was touched");
                }
            }
            else if (isLast)
            {
                throw new StorageException(StorageError.Unavailable,
                    $"no device came for {dataset} within {s_patience.TotalSeconds:0} s: /dev must be the host's, and its module zfs must make devices (cat /sys/module/zfs/parameters/zvol_inhibit_dev: 0)");
            }
            await Task.Delay(s_pause, time).ConfigureAwait(false);
        }
    }

    /// <summary>The device whose node is mounted at a path, while it is a volume's still; null when there is none such.</summary>
    internal static ZvolDevice? TryOpenAt(string path, ObjectKey volume)
    {
        if (Files.TryStat(path) is not { IsMountRoot: true, Kind: FileKind.BlockDevice } status)
            return null;
        // Not by the path, as a mount with an open file stays.
        if (TryOpen(PathOf(status.RepresentedDevice)) is not { } device)
            return null;
        if (Files.Stat(device.Handle).RepresentedDevice == status.RepresentedDevice && ZfsLayout.IsVolumeIn(device.Name, volume))
            return device;
        device.Dispose();
        return null;
    }

    /// <summary>Whether somebody has it for himself: a mount of the filesystem on it, in whatever namespace, or another device made of it.</summary>
    internal bool IsClaimed
    {
        get
        {
            try
            {
                Files.Open(Path, OpenFlags.ReadOnly | OpenFlags.Exclusive | OpenFlags.NonBlock).Dispose();
                return false;
            }
            catch (LinuxException e) when (e.Errno is Errno.EBUSY)
            {
                return true;
            }
        }
    }

    /// <summary>Waits a moment for whoever lets go of it just now.</summary>
    /// <returns>False when it stays claimed.</returns>
    internal async Task<bool> WaitUntilFreeAsync(TimeProvider time)
    {
        for (var begin = time.GetTimestamp(); IsClaimed;)
        {
            if (time.GetElapsedTime(begin) >= s_leaving)
                return false;
            await Task.Delay(s_pause, time).ConfigureAwait(false);
        }
        return true;
    }

    /// <summary>Which it is among all that have had or will have its number.</summary>
    internal ulong Node => Files.Stat(Path).Inode;

    /// <summary>Waits until a device says another name: ZFS tells it some moments after its zvol was renamed.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="node">Its <see cref="Node"/>.</param>
    /// <param name="before">What it was called.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: it does not.</exception>
    internal static async Task WaitUntilRenamedAsync(string path, ulong node, string before, TimeProvider time)
    {
        for (var begin = time.GetTimestamp(); HasName();)
        {
            if (time.GetElapsedTime(begin) >= s_patience)
                throw new StorageException(StorageError.Unavailable, $"the volume that was {before} is called otherwise now, but its device {path} has not learnt it yet, so it could be taken for another; call again, and see the kernel log (dmesg) if it stays so");
            await Task.Delay(s_pause, time).ConfigureAwait(false);
        }

        bool HasName()
        {
            if (Files.TryStat(path)?.Inode != node)
                return false;
            using var device = TryOpen(path);
            return device?.Name == before;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();

    private static ZvolDevice? TryFindLinked(string dataset)
    {
        if (TryOpen($"{Links}/{dataset}") is not { } device)
            return null;
        if (device.Name == dataset)
            return device;
        device.Dispose();
        return null;
    }

    // Of all that there are: somebody else's may be damaged.
    private static ZvolDevice? TryOpenAny(string path)
    {
        try
        {
            return TryOpen(path);
        }
        catch (LinuxException)
        {
            return null;
        }
    }

    private static ZvolDevice? TryOpen(string path)
    {
        SafeFileHandle handle;
        try
        {
            handle = OpenPatiently(path);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ENXIO or Errno.ENODEV or Errno.ENOTDIR or Errno.EACCES)
        {
            // Gone, or just going; or encrypted, without its key.
            return null;
        }
        try
        {
            if (Files.Stat(handle) is { Kind: FileKind.BlockDevice } status && Zvol.TryGetName(handle) is { } name)
                return new ZvolDevice(handle, name, PathOf(status.RepresentedDevice));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
        handle.Dispose();
        return null;
    }

    // While some ZFS pool is imported or made, which takes its time, zvols answer with a number that only the kernel should see.
    private static SafeFileHandle OpenPatiently(string path)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NonBlock);
            }
            catch (LinuxException e) when ((int)e.Errno == RestartSystemCall && attempt < OpenAttempts)
            {
                // The call itself has waited for a second.
            }
        }
    }

    private static string PathOf(ulong device) => string.Create(CultureInfo.InvariantCulture, $"/dev/{Prefix}{DeviceNumber.Minor(device)}");
}
