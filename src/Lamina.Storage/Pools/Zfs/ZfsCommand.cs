using System.Collections.Concurrent;
using Lamina.Linux;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>
/// Runs <c>zfs</c> and <c>zpool</c>: the one way from here to ZFS, which has no other interface that is the same in all its versions. Arguments go as a
/// list and never through a shell; what comes back is read in the form that is made for programs (<c>-Hp</c>, one line and tabs), which all
/// versions have: JSON (<c>-j</c>) came with OpenZFS 2.3, and would be a second parser for the same answers. The library beneath, libzfs_core, would spare the
/// start of a process, which is most of a command (of a create 60 of 94 ms on a busy machine) and little of what whoever stages a volume waits for; but it
/// reads no properties, has no words for a person when it refuses, and is not in zfs-fuse.
/// </summary>
/// <remarks>
/// <para>At most a few commands run at once in one ZFS pool, as ZFS takes changes one after another anyway; one whose disks don't answer any more does not
/// keep the others waiting.</para>
/// <para>What changes a pool is never killed: it takes no token, and is waited for however long it takes. What only asks may be given up.</para>
/// <para>A dataset is busy for a moment after it was unmounted, and while somebody looks at it. So what says so is tried again, for <see cref="ZfsDialect.Patience"/>.</para>
/// </remarks>
internal sealed partial class ZfsCommand
{
    private const int MaxAtOnce = 4;
    private static readonly ConcurrentDictionary<string, SemaphoreSlim> s_slots = [];
    private static readonly TimeSpan s_firstWait = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMilliseconds(200);
    private readonly ZfsPrograms _programs;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _slots;

    private ZfsCommand(ZfsPrograms programs, TimeProvider time, ZfsDialect dialect, string zpool)
    {
        _slots = SlotsOf(zpool);
        _programs = programs;
        _time = time;
        Dialect = dialect;
    }

    /// <summary>Which ZFS it is.</summary>
    internal ZfsDialect Dialect { get; }

    /// <summary>Asks which ZFS there is.</summary>
    /// <param name="programs">The commands.</param>
    /// <param name="time">The clock.</param>
    /// <param name="zpool">The ZFS pool that it is for.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ZfsFailure"><see cref="StorageError.Unavailable"/>: none that could be used.</exception>
    internal static async Task<ZfsCommand> StartAsync(ZfsPrograms programs, TimeProvider time, string zpool, CancellationToken cancellationToken)
    {
        var answer = await RunOnceAsync(SlotsOf(""), programs, programs.Zfs, () => RunAsync(programs, programs.Zfs, ["version"], cancellationToken), cancellationToken).ConfigureAwait(false);
        return new ZfsCommand(programs, time, ZfsDialect.Parse(answer), zpool);
    }

    private static SemaphoreSlim SlotsOf(string zpool) => s_slots.GetOrAdd(zpool, _ => new SemaphoreSlim(MaxAtOnce));

    /// <summary>Asks <c>zfs</c> something that changes nothing.</summary>
    /// <returns>What it wrote.</returns>
    /// <exception cref="ZfsFailure">As the command says.</exception>
    internal Task<string> AskAsync(CancellationToken cancellationToken, params string[] arguments) => AskAsync(_programs.Zfs, arguments, cancellationToken);

    /// <summary>Asks <c>zpool</c> something that changes nothing.</summary>
    /// <inheritdoc cref="AskAsync(CancellationToken, string[])"/>
    internal Task<string> AskPoolAsync(CancellationToken cancellationToken, params string[] arguments) => AskAsync(_programs.Zpool, arguments, cancellationToken);

    /// <summary>Has <c>zfs</c> change something, and waits until it has.</summary>
    /// <exception cref="ZfsFailure">As the command says.</exception>
    internal Task ChangeAsync(params string[] arguments) => ChangeAsync(null, arguments);

    /// <summary>As the other, and gives the command a key to read.</summary>
    internal async Task ChangeAsync(VolumeKey? key, string[] arguments)
    {
        var begin = _time.GetTimestamp();
        for (var wait = s_firstWait; ; wait = wait * 2 < s_longestWait ? wait * 2 : s_longestWait)
        {
            if (await TryChangeAsync(arguments, key).ConfigureAwait(false) is not { } failure)
                return;
            if (!failure.IsTransient || _time.GetElapsedTime(begin) >= Dialect.Patience)
                throw failure;
            await Task.Delay(wait, _time).ConfigureAwait(false);
        }
    }

    private async Task<ZfsFailure?> TryChangeAsync(string[] arguments, VolumeKey? key)
    {
        try
        {
            var result = await RunOnceAsync(_programs.Zfs, arguments, CancellationToken.None, key).ConfigureAwait(false);
            return result.Succeeded ? null : ZfsFailure.Of($"zfs {arguments[0]}", result);
        }
        catch (ZfsFailure e)
        {
            return e;
        }
    }

    /// <summary>Asks <c>zfs</c> something whose answer may be long, and takes it a line at a time.</summary>
    internal async Task AskAsync(Action<string> line, CancellationToken cancellationToken, params string[] arguments)
    {
        var result = await RunOnceAsync(
            _slots,
            _programs,
            _programs.Zfs,
            () => ChildProcess.RunByLineAsync(_programs.LauncherOf(_programs.Zfs), _programs.ArgumentsOf(_programs.Zfs, arguments), line, cancellationToken),
            cancellationToken).ConfigureAwait(false);
        if (!result.Succeeded)
            throw ZfsFailure.Of($"zfs {arguments[0]}", result);
    }

    private async Task<string> AskAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        var result = await RunOnceAsync(program, arguments, cancellationToken).ConfigureAwait(false);
        return result.Succeeded ? result.Output : throw ZfsFailure.Of($"{Path.GetFileName(program)} {arguments[0]}", result);
    }

    private Task<ChildResult> RunOnceAsync(string program, string[] arguments, CancellationToken cancellationToken, VolumeKey? key = null) =>
        RunOnceAsync(_slots, _programs, program, () => RunAsync(_programs, program, arguments, cancellationToken, key), cancellationToken);

    private static Task<ChildResult> RunAsync(ZfsPrograms programs, string program, string[] arguments, CancellationToken cancellationToken, VolumeKey? key = null) =>
        ChildProcess.RunAsync(programs.LauncherOf(program), programs.ArgumentsOf(program, arguments), cancellationToken, key?.ToLine());

    private static async Task<ChildResult> RunOnceAsync(
        SemaphoreSlim slots, ZfsPrograms programs, string program, Func<Task<ChildResult>> runAsync, CancellationToken cancellationToken)
    {
        await slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await runAsync().ConfigureAwait(false);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.EACCES)
        {
            var package = programs.MountNamespace is null ? "is ZFS installed? On Debian: apt-get install zfsutils-linux" : "it is in the package util-linux";
            throw new ZfsFailure(StorageError.Unavailable, programs.LauncherOf(program), $"it can't be started ({e.Message}); {package}");
        }
        catch (LinuxException e)
        {
            // No memory for a process, or the program is being replaced by another version just now.
            throw new ZfsFailure(StorageError.Unavailable, program, e.Message, isTransient: e.Errno is Errno.ETXTBSY);
        }
        finally
        {
            slots.Release();
        }
    }
}
