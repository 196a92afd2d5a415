using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>What only ext4 has. See ext4(5).</summary>
public static class Ext4
{
    private const string Devices = "/sys/dev/block";

    /// <summary>
    /// Whether the filesystem has a journal. One that was made without, and ext2, have none; then nothing says in which order changes come to the
    /// disk. Also false where it can't be known.
    /// </summary>
    /// <param name="handle">Any file or directory of the filesystem.</param>
    public static bool HasJournal(SafeFileHandle handle)
    {
        if (Files.TryStat(Devices) is null)
            return false;
        using var devices = Files.OpenDirectory(Devices);
        var device = Files.Stat(handle).Device;
        var number = string.Create(CultureInfo.InvariantCulture, $"{DeviceNumber.Major(device)}:{DeviceNumber.Minor(device)}");
        if (Files.TryStatAt(devices, number) is null)
            return false;
        // A link to the device's own directory, by whose name the filesystem goes too.
        var known = $"/sys/fs/ext4/{Path.GetFileName(Files.ReadLink(devices, number))}";
        if (Files.TryStat(known) is null)
            return false;
        using var fileSystem = Files.OpenDirectory(known);
        // The thread of the journal, in numbers; "<none>" without one.
        return Files.TryReadAllAt(fileSystem, "journal_task") is { } task && int.TryParse(Encoding.ASCII.GetString(task), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out _);
    }
}
