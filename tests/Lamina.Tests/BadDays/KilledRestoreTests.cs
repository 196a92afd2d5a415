using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Tests.Cli;

namespace Lamina.Tests.BadDays;

/// <summary>
/// A daemon that is killed at each of the points of a restore in place, which can be seen in the pool as they are reached: the volume is as it was or as the
/// snapshot is, and its state before is not lost.
/// </summary>
public sealed class KilledRestoreTests
{
    // The daemon goes on while it is being killed: it may be past the point then.
    private const int Tries = 40;

    /// <summary>A point of a restore in place.</summary>
    public enum Point
    {
        /// <summary>The snapshot of the state before is being built.</summary>
        BeforeTheSnapshot,

        /// <summary>It is there, and the volume is as it was.</summary>
        BeforeTheStep,

        /// <summary>The volume has the content of the snapshot, and nobody was told.</summary>
        AfterTheStep,
    }

    /// <summary>What lies where, and each point.</summary>
    public static TheoryData<FileSystemKind, string, Point> Places()
    {
        var places = new TheoryData<FileSystemKind, string, Point>();
        foreach (var point in Enum.GetValues<Point>())
        {
            places.Add(FileSystemKind.Ext4, "", point);
            places.Add(FileSystemKind.Ext4, "ext4", point);
            places.Add(FileSystemKind.Btrfs, "", point);
        }
        return places;
    }

    [Theory, MemberData(nameof(Places))]
    public async Task RestoreInPlace_KilledAtAPoint_HasDoneAllOrNothing(FileSystemKind kind, string fileSystem, Point point)
    {
        await using var disk = await LoopDisk.CreateAsync(kind);
        var pool = PoolPlace.Make("pool", kind == FileSystemKind.Btrfs ? PoolBackend.Btrfs : PoolBackend.Overlay2, disk);
        await using var daemon = new DaemonProcess(pool.Arguments);
        await daemon.StartAsync();
        await OkAsync(daemon, ["volume", "create", "v", .. fileSystem.Length > 0 ? ["--fs", fileSystem, "--size", "32Mi"] : Array.Empty<string>()]);
        await WriteAsync(daemon, "then");
        await OkAsync(daemon, "snapshot", "create", "v", "then");

        Point? hit = null;
        for (var attempt = 1; hit != point; attempt++)
        {
            Assert.True(attempt <= Tries, $"the daemon was never hit at the point {point}");
            hit = await KillAsync(daemon, new Watch(pool, fileSystem.Length > 0, point), $"{attempt}");
        }
        Assert.Empty(daemon.Faults());
    }

    /// <summary>Kills the daemon in a restore of what was just written, looks at what it left, and tells where it was hit.</summary>
    /// <returns>Null: it had answered.</returns>
    private static async Task<Point?> KillAsync(DaemonProcess daemon, Watch watch, string now)
    {
        await WriteAsync(daemon, now);
        var known = await SnapshotsAsync(daemon);
        watch.Begin();
        var restore = Task.Run(() => RunAsync(daemon, "snapshot", "restore", "--in-place", "then"));
        SpinWait.SpinUntil(() => watch.IsReached() || restore.IsCompleted, TimeSpan.FromMinutes(1));
        daemon.Kill();
        var answer = await restore;
        await daemon.StartAsync();

        var content = await ReadAsync(daemon, "v");
        var before = (await SnapshotsAsync(daemon)).Except(known).SingleOrDefault();
        if (before is not null)
        {
            await OkAsync(daemon, "snapshot", "restore", before, "undone");
            Assert.Equal(now, await ReadAsync(daemon, "undone"));
            await OkAsync(daemon, "volume", "rm", "undone");
        }
        if (content == now)
        {
            Assert.True(answer.ExitCode != 0, "it was answered, and is not done");
            return before is null ? Point.BeforeTheSnapshot : Point.BeforeTheStep;
        }
        Assert.Equal("then", content);
        Assert.NotNull(before);
        return answer.ExitCode == 0 ? null : Point.AfterTheStep;
    }

    private static async Task WriteAsync(DaemonProcess daemon, string content)
    {
        var path = await OkAsync(daemon, "volume", "attach", "v");
        await File.WriteAllTextAsync(Path.Combine(path, "file"), content);
        await OkAsync(daemon, "volume", "detach", "v");
    }

    private static async Task<string> ReadAsync(DaemonProcess daemon, string volume)
    {
        var path = await OkAsync(daemon, "volume", "attach", volume);
        var content = await File.ReadAllTextAsync(Path.Combine(path, "file"));
        await OkAsync(daemon, "volume", "detach", volume);
        return content;
    }

    private static async Task<List<string>> SnapshotsAsync(DaemonProcess daemon) =>
        [.. (await RunAsync(daemon, "snapshot", "ls", "v", "-o", "json")).Json.AsArray().Select(one => (string)one!["name"]!)];

    private static Task<CliRun> RunAsync(DaemonProcess daemon, params string[] arguments) => CliRun.RunAsync(CliRun.HostOf(daemon.AdminSocket), arguments);

    private static async Task<string> OkAsync(DaemonProcess daemon, params string[] arguments)
    {
        var run = await RunAsync(daemon, arguments);
        Assert.True(run.ExitCode == 0, $"lamina {string.Join(' ', arguments)} ended with {run.ExitCode}: {run.Error}");
        return run.Out.TrimEnd('\n');
    }

    /// <summary>Watches the pool for a point of the one restore that runs.</summary>
    private sealed class Watch(PoolPlace pool, bool isImage, Point point)
    {
        private readonly string _snapshots = Path.Combine(pool.Path, isImage ? "image-snapshots" : "snapshots");
        private readonly string _record = Path.Combine(pool.Path, isImage ? "image-volumes" : "volumes", "v", "record.json");
        private int _before;
        private ulong? _cut;

        internal void Begin() => _before = Directory.GetDirectories(_snapshots).Length;

        internal bool IsReached() => point switch
        {
            Point.BeforeTheSnapshot => Directory.EnumerateFileSystemEntries(Path.Combine(pool.Path, "incoming")).Any(),
            Point.BeforeTheStep => IsCut(),
            _ => HasNewRecord(),
        };

        private bool IsCut() => Directory.GetDirectories(_snapshots).Length > _before;

        // The cut replaces the record too where it seals a layer, and the step does in every pool.
        private bool HasNewRecord()
        {
            if (_cut is null && !IsCut())
                return false;
            var record = Files.TryStat(_record)?.Inode;
            return record != (_cut ??= record);
        }
    }
}
