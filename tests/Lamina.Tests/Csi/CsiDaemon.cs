using Grpc.Net.Client;
using Lamina.Linux;
using Lamina.Storage.Operations;
using Lamina.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>The real daemon with real clients on its CSI socket, and the directories that a kubelet would have. Its log is kept, every level of it.</summary>
public sealed class CsiDaemon : IAsyncLifetime
{
    internal const string Node = "node-1";
    private static int s_count;
    private readonly string[] _arguments;
    private GrpcChannel? _channel;

    public CsiDaemon()
        : this([])
    {
    }

    private CsiDaemon(string[] arguments) => _arguments = arguments;

    internal TestDaemon Daemon { get; private set; } = null!;

    internal FakeLogCollector Log { get; } = FakeLogCollector.Create(new FakeLogCollectorOptions());

    internal Wire.Identity.IdentityClient Identity { get; private set; } = null!;

    internal Wire.Controller.ControllerClient Controller { get; private set; } = null!;

    internal Wire.Node.NodeClient NodeService { get; private set; } = null!;

    internal Wire.GroupController.GroupControllerClient GroupController { get; private set; } = null!;

    internal Wire.SnapshotMetadata.SnapshotMetadataClient SnapshotMetadata { get; private set; } = null!;

    /// <summary>What a kubelet would call its own: staging and target directories.</summary>
    internal string Kubelet { get; } = TestScratch.NewDirectory("kubelet");

    internal static async Task<CsiDaemon> StartAsync(params string[] arguments)
    {
        var daemon = new CsiDaemon(arguments);
        await daemon.InitializeAsync();
        return daemon;
    }

    public async ValueTask InitializeAsync()
    {
        Daemon = await TestDaemon.StartAsync([$"--nodeName={Node}", "--logging:logLevel:default=Trace", "--logging:Console:logLevel:default=None", .. _arguments]);
        Connect();
    }

    public async ValueTask DisposeAsync()
    {
        _channel?.Dispose();
        MountCleanup.UnmountBeneath(Kubelet);
        await Daemon.DisposeAsync();
        MountCleanup.UnmountBeneath(Daemon.Root);
        PlantedSecrets.CheckNoneIn(Log);
    }

    /// <summary>Stops the daemon, mounts stay, and starts a new one on the same directories.</summary>
    internal async Task RestartAsync()
    {
        _channel?.Dispose();
        await Daemon.StartAgainAsync();
        Connect();
    }

    /// <summary>A name that no other test uses.</summary>
    internal static string NewName(string word = "volume") => $"{word}-{Interlocked.Increment(ref s_count)}";

    /// <summary>A staging directory, made as the kubelet makes it.</summary>
    internal string NewStagingPath()
    {
        var path = Path.Combine(Kubelet, NewName("staging"));
        Directory.CreateDirectory(path);
        return path;
    }

    /// <summary>A target whose parent is made as the kubelet makes it.</summary>
    internal string NewTargetPath()
    {
        var parent = Path.Combine(Kubelet, NewName("pod"));
        Directory.CreateDirectory(parent);
        return Path.Combine(parent, "mount");
    }

    internal async Task<Wire.Volume> CreateAsync(string? name = null, long? size = 1 << 20, Wire.VolumeContentSource? source = null)
    {
        var request = Requests.CreateVolume(name ?? NewName());
        request.CapacityRange = size is { } bytes ? new() { RequiredBytes = bytes } : null;
        request.VolumeContentSource = source;
        return (await Controller.CreateVolumeAsync(request)).Volume;
    }

    internal async Task<Wire.Snapshot> SnapshotAsync(string volume, string? name = null) =>
        (await Controller.CreateSnapshotAsync(new() { Name = name ?? NewName("snapshot"), SourceVolumeId = volume, Secrets = { ["password"] = PlantedSecrets.Value } })).Snapshot;

    internal async Task<string> StageAsync(string volume, Wire.VolumeCapability? capability = null)
    {
        var path = NewStagingPath();
        await NodeService.NodeStageVolumeAsync(Requests.Stage(volume, path, capability));
        return path;
    }

    internal async Task<string> PublishAsync(string volume, string staging, Wire.VolumeCapability? capability = null, bool readOnly = false)
    {
        var target = NewTargetPath();
        await NodeService.NodePublishVolumeAsync(Requests.Publish(volume, staging, target, capability, readOnly));
        return target;
    }

    internal async Task UnpublishAsync(string volume, string target) =>
        await NodeService.NodeUnpublishVolumeAsync(new() { VolumeId = volume, TargetPath = target });

    internal async Task UnstageAsync(string volume, string staging) =>
        await NodeService.NodeUnstageVolumeAsync(new() { VolumeId = volume, StagingTargetPath = staging });

    /// <summary>Stages and publishes a volume, works in it, and takes it away again.</summary>
    internal async Task UseAsync(string volume, Action<string> work)
    {
        var staging = await StageAsync(volume);
        var target = await PublishAsync(volume, staging);
        work(target);
        await UnpublishAsync(volume, target);
        await UnstageAsync(volume, staging);
    }

    /// <summary>Holds a lock of the daemon's, as an operation that takes long would.</summary>
    internal Task<IDisposable> LockAsync(LockKey key) => Daemon.Services.GetRequiredService<KeyedLocks>().AcquireAsync([key], CancellationToken.None);

    /// <summary>A deadline.</summary>
    internal static DateTime In(TimeSpan time) => TimeProvider.System.GetUtcNow().UtcDateTime + time;

    /// <summary>How many mounts lie on a path or beneath it.</summary>
    internal static int MountsAt(string path) => MountTable.Read().Beneath(path).Count();

    private void Connect()
    {
        Daemon.Services.GetRequiredService<ILoggerFactory>().AddProvider(new FakeLoggerProvider(Log));
        _channel = UnixChannel.To(Daemon.CsiSocket);
        Identity = new(_channel);
        Controller = new(_channel);
        NodeService = new(_channel);
        GroupController = new(_channel);
        SnapshotMetadata = new(_channel);
    }
}
