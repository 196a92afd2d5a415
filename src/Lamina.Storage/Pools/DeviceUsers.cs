using Lamina.Linux;

namespace Lamina.Storage.Pools;

/// <summary>
/// Who has a block device open, of the processes that can be seen from here. The kernel tells who has claimed a device, as a mount does, but not who merely
/// has it open.
/// </summary>
internal static class DeviceUsers
{
    // udev looks at each that was written to, when it is closed, and on a busy host that takes a while.
    private const int Looks = 100;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    /// <summary>A process that has it open, and does not close it within five seconds, as who looks at every device does; null: none.</summary>
    /// <param name="device">As <see cref="FileStatus.RepresentedDevice"/>. We must not have it open ourselves.</param>
    internal static int? FindLasting(ulong device)
    {
        for (var left = Looks; Find(device) is { } process; left--)
        {
            if (left == 0)
                return process;
            Thread.Sleep(s_pause);
        }
        return null;
    }

    private static int? Find(ulong device)
    {
        foreach (var process in ProcessTable.List())
        {
            if (ProcessTable.OpenFiles(process).Any(file => file.Status.Kind == FileKind.BlockDevice && file.Status.RepresentedDevice == device))
                return process;
        }
        return null;
    }
}
