using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Grpc.Net.Client;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Testing;
using Lamina.Tests.Csi;
using Microsoft.Extensions.DependencyInjection;
using Wire = Csi.V1;

namespace Lamina.Tests.Fuzz;

/// <summary>
/// A daemon with pools of several kinds and one that is missing, objects that may be changed, objects that must not, and surroundings that are
/// none of its business.
/// </summary>
internal sealed class FuzzScene : IAsyncDisposable
{
    private const string Content = "kept";
    private readonly string _outside = TestScratch.NewDirectory("outside");
    private readonly string _bindRoot = TestScratch.NewDirectory("bind");
    private readonly TmpfsFileSystem _memory = new();
    private readonly LoopDisk _disk;
    private readonly List<GrpcChannel> _channels = [];
    private readonly List<Wire.Volume> _kept = [];
    private readonly List<Wire.Snapshot> _keptSnapshots = [];
    private readonly List<string> _ids = [];
    private string _target = "";
    private string _surroundings = "";

    private FuzzScene(LoopDisk disk) => _disk = disk;

    internal CsiDaemon Daemon { get; private set; } = null!;

    /// <summary>What generated messages are made of.</summary>
    internal Vocabulary Words { get; private set; } = null!;

    /// <summary>The same, with the true ids and names of what must not change; for calls that have no right to.</summary>
    internal Vocabulary WordsOfReaders { get; private set; } = null!;

    /// <summary>A directory that may be served as a volume.</summary>
    internal string Bound => Path.Combine(_bindRoot, "bound");

    internal CallInvoker Csi { get; private set; } = null!;

    internal CallInvoker Admin { get; private set; } = null!;

    internal static async Task<FuzzScene> MakeAsync(params string[] arguments)
    {
        var scene = new FuzzScene(await LoopDisk.CreateAsync(FileSystemKind.Btrfs));
        try
        {
            await scene.StartAsync(arguments);
            return scene;
        }
        catch
        {
            await scene.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether it is one of the objects that must not change.</summary>
    internal bool IsKept(string? id) => _kept.Exists(volume => volume.VolumeId == id) || _keptSnapshots.Exists(snapshot => snapshot.SnapshotId == id);

    /// <summary>Looks whether everything is as it was that had to be.</summary>
    internal async Task CheckAsync()
    {
        foreach (var volume in _kept)
            Assert.Equal(volume, (await Daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = volume.VolumeId })).Volume);
        foreach (var snapshot in _keptSnapshots)
            Assert.Equal(snapshot, (await Daemon.Controller.GetSnapshotAsync(new() { SnapshotId = snapshot.SnapshotId })).Snapshot);
        Assert.Equal(Content, await File.ReadAllTextAsync(Path.Combine(_target, "file")));
        await Daemon.UseAsync(_kept[1].VolumeId, path => Assert.Equal(Content, File.ReadAllText(Path.Combine(path, "file"))));
        Assert.Equal(_surroundings, Surroundings());
    }

    /// <summary>Ends all uses as their holders would; nothing may be left of them.</summary>
    internal async Task CheckNothingIsLeftAsync()
    {
        await Daemon.Daemon.DetachAllAsync();
        Assert.Empty(MountTable.Read().Beneath(Daemon.Kubelet).Select(mount => mount.MountPoint));
        Assert.Empty(MountTable.Read().Beneath(Daemon.Daemon.RuntimeDirectory).Select(mount => mount.MountPoint));
        var attachments = Daemon.Daemon.Services.GetRequiredService<AttachmentService>();
        Assert.Empty(Daemon.Daemon.Services.GetRequiredService<Catalog>().Volumes().SelectMany(volume => attachments.HoldersOf(volume.Id)));
        Assert.Empty(MountCleanup.WaitForLoopDevices(Daemon.Daemon.Root).Select(loop => loop.BackingFile));
        Assert.Empty(MountCleanup.WaitForLoopDevices(_memory.MountPoint).Select(loop => loop.BackingFile));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels)
            channel.Dispose();
        if (Daemon is not null)
            await Daemon.DisposeAsync();
        _memory.Dispose();
        await _disk.DisposeAsync();
    }

    private async Task StartAsync(string[] arguments)
    {
        Directory.CreateDirectory(Path.Combine(_outside, "directory", "below"));
        await File.WriteAllTextAsync(Path.Combine(_outside, "file"), "sentinel");
        await File.WriteAllTextAsync(Path.Combine(_outside, "directory", "below", "file"), "sentinel");
        var bound = Directory.CreateDirectory(Bound).FullName;
        await File.WriteAllTextAsync(Path.Combine(bound, "file"), "sentinel");

        Daemon = await CsiDaemon.StartAsync(
        [
            .. CsiPools.OverlayAt("default", _memory.NewDirectory("pool"), "--default"), .. CsiPools.Btrfs("tree", _disk, "--overcommit=4"), .. CsiPools.Bind(_bindRoot),
            "--pools:gone:backend=overlay2", "--pools:gone:path=/nowhere/pool", .. arguments,
        ]);
        Csi = InvokerTo(Daemon.Daemon.CsiSocket);
        Admin = InvokerTo(Daemon.Daemon.AdminSocket);
        File.CreateSymbolicLink(Path.Combine(Daemon.Kubelet, "link"), _outside);
        File.CreateSymbolicLink(Path.Combine(_outside, "dangling"), "/nowhere/at/all");
        await MakeObjectsAsync();
        Words = NewWords(bound, []);
        WordsOfReaders = NewWords(bound, [.. Names(_kept), .. _keptSnapshots.Select(snapshot => snapshot.SnapshotId)]);
        _surroundings = Surroundings();
    }

    private async Task MakeObjectsAsync()
    {
        foreach (var pool in new[] { "default", "tree" })
        {
            var request = Requests.CreateVolume($"kept-{pool}");
            (request.CapacityRange, request.Parameters["pool"]) = (new() { RequiredBytes = 8 << 20 }, pool);
            var volume = (await Daemon.Controller.CreateVolumeAsync(request)).Volume;
            await Daemon.UseAsync(volume.VolumeId, path => File.WriteAllText(Path.Combine(path, "file"), Content));
            _kept.Add(volume);
            _keptSnapshots.Add(await Daemon.SnapshotAsync(volume.VolumeId, $"kept-{pool}-snapshot"));
            for (var i = 0; i < 5; i++)
            {
                (request.Name, request.CapacityRange.RequiredBytes) = ($"{pool}-{i}", 1 << 20);
                var id = (await Daemon.Controller.CreateVolumeAsync(request)).Volume.VolumeId;
                _ids.AddRange([request.Name, id, (await Daemon.SnapshotAsync(id, $"{pool}-{i}-cut")).SnapshotId, $"{pool}-{i}-cut"]);
            }
        }
        var staging = Path.Combine(Daemon.Kubelet, "kept-staging");
        Directory.CreateDirectory(staging);
        await Daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(_kept[0].VolumeId, staging));
        _target = await Daemon.PublishAsync(_kept[0].VolumeId, staging);
    }

    private Vocabulary NewWords(string bound, string[] kept)
    {
        var pod = Path.Combine(Daemon.Kubelet, "pods", "8d1c8e0a", "volumes", "kubernetes.io~csi", "inline");
        Directory.CreateDirectory(pod);
        var paths = new List<string>
        {
            Path.Combine(pod, "mount"), Path.Combine(Daemon.Kubelet, "link", "mount"), Path.Combine(Daemon.Kubelet, "..", Path.GetFileName(_outside), "new"),
            Path.Combine(Daemon.Kubelet, "nowhere", "below"), Path.Combine(Daemon.Kubelet, "name\nwith, all: of\\them"), "/dev/null/below", "relative/path",
            $"{Daemon.Kubelet}/{new string('n', 300)}", $"{Daemon.Kubelet}/{string.Concat(Enumerable.Repeat("d/", 2040))}", $"{Daemon.Kubelet}/nul\0below", $"{_target}/below", $"{_target}/",
        };
        for (var i = 0; i < 4; i++)
        {
            paths.Add(Path.Combine(Daemon.Kubelet, $"staging-{i}"));
            paths.Add(Path.Combine(Directory.CreateDirectory(Path.Combine(Daemon.Kubelet, $"pod-{i}")).FullName, "mount"));
            Directory.CreateDirectory(paths[^2]);
        }
        var unknown = new[] { $"{PoolId.NewRandom()}.data", "csi-0123456789abcdef", "csi-other", "some/path", "a.b" };
        var pools = _kept.Select(volume => volume.VolumeId.Split('.')[0]).ToList();
        // What calls will make, by name and by id.
        var coming = Enumerable.Range(0, 10).SelectMany(i => pools.Select(pool => $"{pool}.new-{i}").Append($"new-{i}"));
        return new Vocabulary(
            [.. _ids, .. coming, .. unknown, .. pools, .. kept], [.. Names(_kept), .. _keptSnapshots.Select(snapshot => snapshot.SnapshotId)], [.. paths],
            [bound, Path.Combine(_bindRoot, "nowhere"), _outside, Path.Combine(_bindRoot, "..", Path.GetFileName(_outside)), Path.Combine(Daemon.Kubelet, "link")]);
    }

    private static IEnumerable<string> Names(IEnumerable<Wire.Volume> volumes) => volumes.SelectMany(volume => new[] { volume.VolumeId, volume.VolumeId.Split('.')[1] });

    private CallInvoker InvokerTo(string socket)
    {
        _channels.Add(UnixChannel.To(socket));
        return _channels[^1].CreateCallInvoker();
    }

    // Names, kinds, modes, owners, times and contents of all that lies around.
    private string Surroundings()
    {
        var text = new StringBuilder();
        foreach (var path in Directory.EnumerateFileSystemEntries(_outside, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Prepend(_outside))
        {
            var info = new FileInfo(path);
            text.AppendLine(System.Globalization.CultureInfo.InvariantCulture, $"{path} {info.Attributes} {info.UnixFileMode} {info.LinkTarget} {info.LastWriteTimeUtc:O}");
            if (info is { Exists: true, LinkTarget: null } && !info.Attributes.HasFlag(FileAttributes.Directory))
                text.AppendLine(Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path))));
        }
        foreach (var path in Directory.EnumerateFiles(_bindRoot, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            text.AppendLine(path).AppendLine(File.ReadAllText(path));
        return text.ToString();
    }
}
