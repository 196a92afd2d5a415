using Lamina.Linux;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>
/// Commands that a daemon left which was killed: they go on, as nothing that changes a pool is ever killed, and whoever opened the pool before they have
/// ended would see it as it is not any more a moment later.
/// </summary>
internal static class ZfsOrphans
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_wait = TimeSpan.FromMilliseconds(20);
    private static readonly string[] s_changes = ["create", "snapshot", "clone", "rename", "promote", "rollback", "destroy", "set", "mount", "load-key", "unload-key", "change-key"];

    /// <summary>Waits until none changes anything beneath a pool's root.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: one is still at it after a while.</exception>
    internal static async Task WaitAsync(ZfsPrograms programs, ZfsLayout layout, TimeProvider time)
    {
        var begin = time.GetTimestamp();
        while (Find(programs, layout) is { } pid)
        {
            if (time.GetElapsedTime(begin) > s_patience)
            {
                throw new StorageException(StorageError.Unavailable,
                    $"process {pid} ({string.Join(' ', ProcessTable.Arguments(pid).Take(2))}) still changes something in the pool at {layout.Root}; the pool is served when it has ended");
            }
            await Task.Delay(s_wait, time).ConfigureAwait(false);
        }
    }

    private static int? Find(ZfsPrograms programs, ZfsLayout layout)
    {
        foreach (var pid in ProcessTable.List())
        {
            var arguments = programs.CommandIn(ProcessTable.Arguments(pid));
            if (arguments.Count > 2 && Path.GetFileName(arguments[0]) == Path.GetFileName(programs.Zfs) && s_changes.Contains(arguments[1])
                && arguments.Skip(2).Any(argument => argument.StartsWith($"{layout.Root}/", StringComparison.Ordinal)))
            {
                return pid;
            }
        }
        return null;
    }
}
