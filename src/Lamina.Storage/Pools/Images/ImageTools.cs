using System.Collections.Immutable;
using Lamina.Linux;

namespace Lamina.Storage.Pools.Images;

/// <summary>
/// The tools of the filesystems. They work on the image file itself, before it is a device, or on a zvol, and in both cases before anybody knows the volume;
/// nothing is formatted or checked where it is in use.
/// </summary>
internal static class ImageTools
{
    private const int Repaired = 1;

    /// <summary>The filesystems that can be made on this host.</summary>
    internal static ImmutableArray<VolumeFileSystem> Installed() => [.. Enum.GetValues<VolumeFileSystem>().Where(fileSystem => ChildProcess.Exists(MakerOf(fileSystem)))];

    /// <summary>The tool that makes a filesystem.</summary>
    internal static string MakerOf(VolumeFileSystem fileSystem) => $"mkfs.{fileSystem.Name()}";

    /// <summary>Debian's package that has the tools.</summary>
    internal static string PackageOf(VolumeFileSystem fileSystem) => fileSystem switch
    {
        VolumeFileSystem.Ext4 => "e2fsprogs",
        VolumeFileSystem.Xfs => "xfsprogs",
        _ => "btrfs-progs",
    };

    /// <summary>Makes a filesystem in an image without any data.</summary>
    internal static Task FormatAsync(VolumeFileSystem fileSystem, string image) => RunAsync(fileSystem, MakerOf(fileSystem), fileSystem switch
    {
        // With the seed of the checksums apart from the UUID a copy gets another UUID by one write, and blocks of 4 KiB let a small one grow large.
        VolumeFileSystem.Ext4 => ["-q", "-F", "-b", "4096", "-m", "0", "-O", "metadata_csum_seed", "-E", "lazy_itable_init=1", image],
        // A device over a file that shares blocks with another has such sectors, and one without can have any.
        VolumeFileSystem.Xfs => ["-q", "-s", "size=4096", image],
        _ => ["-q", image],
    });

    /// <summary>Checks a copy, which may be of a filesystem in use, before it is ever mounted, and makes it another filesystem to the kernel.</summary>
    /// <remarks>A copy of what was in use holds a log. It is replayed here, or stays as it is for the kernel to replay.</remarks>
    /// <exception cref="StorageException"><see cref="StorageError.DataLoss"/>: it is damaged.</exception>
    internal static async Task RenewAsync(VolumeFileSystem fileSystem, string image)
    {
        switch (fileSystem)
        {
            case VolumeFileSystem.Ext4:
                await CheckExt4Async(image).ConfigureAwait(false);
                await RunAsync(fileSystem, "tune2fs", ["-U", "random", image]).ConfigureAwait(false);
                break;
            case VolumeFileSystem.Btrfs:
                using (var file = Files.Open(image, OpenFlags.ReadWrite))
                    BtrfsIdentity.Renew(file);
                break;
            default:
                // XFS replays its log and checks its headers as it is mounted, and is mounted without regard to its UUID.
                break;
        }
    }

    /// <summary>Grows an ext4 that is not mounted.</summary>
    internal static async Task GrowExt4Async(string image, ByteSize size)
    {
        await CheckExt4Async(image).ConfigureAwait(false);
        await RunAsync(VolumeFileSystem.Ext4, "resize2fs", [image, $"{size.Bytes / 1024}K"]).ConfigureAwait(false);
    }

    private static async Task CheckExt4Async(string image)
    {
        var result = await TryRunAsync(VolumeFileSystem.Ext4, "e2fsck", ["-f", "-p", image]).ConfigureAwait(false);
        if (result.ExitCode is not (0 or Repaired))
        {
            throw new StorageException(StorageError.DataLoss,
                $"the ext4 in {image} is damaged, and e2fsck can't mend it without being asked (exit code {result.ExitCode}): {Words(result)}");
        }
    }

    private static async Task RunAsync(VolumeFileSystem fileSystem, string tool, IReadOnlyList<string> arguments)
    {
        var result = await TryRunAsync(fileSystem, tool, arguments).ConfigureAwait(false);
        if (result.Succeeded)
            return;
        // A full disk is no fault of the tool.
        var error = result.Error.Contains("No space left", StringComparison.Ordinal) ? StorageError.ResourceExhausted : StorageError.Internal;
        throw new StorageException(error, $"{tool} failed for {arguments.First(argument => argument.StartsWith('/'))} with exit code {result.ExitCode}: {Words(result)}");
    }

    private static async Task<ChildResult> TryRunAsync(VolumeFileSystem fileSystem, string tool, IReadOnlyList<string> arguments)
    {
        try
        {
            return await ChildProcess.RunAsync(tool, arguments, CancellationToken.None).ConfigureAwait(false);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"{tool} is needed for volumes with {fileSystem.Name()} and is not installed: apt-get install {PackageOf(fileSystem)}", e);
        }
    }

    private static string Words(ChildResult result) => string.Join("; ", $"{result.Output}\n{result.Error}".Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
