using Grpc.Core;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>Room: a daemon with a pool of any promises, one that promises no more than it has, one that is full, and one that is not there.</summary>
public sealed class CapacityTests : IAsyncLifetime
{
    private CsiDaemon _daemon = null!;

    public async ValueTask InitializeAsync() => _daemon = await CsiDaemon.StartAsync(
        "--pools:any:backend=overlay2", $"--pools:any:path={NewPool()}", "--pools:any:default=true",
        "--pools:strict:backend=overlay2", $"--pools:strict:path={NewPool()}", "--pools:strict:overcommit=1",
        "--pools:full:backend=overlay2", $"--pools:full:path={NewPool()}", "--pools:full:minFree=4Ei",
        "--pools:thin:backend=overlay2", $"--pools:thin:path={NewPool()}", "--pools:thin:overcommit=3",
        "--pools:gone:backend=overlay2", "--pools:gone:path=/nowhere/pool");

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task GetCapacity_OfAPool_IsWhatIsFreeThere()
    {
        var answer = await _daemon.Controller.GetCapacityAsync(new());
        Assert.InRange(answer.AvailableCapacity, 1, new DriveInfo(_daemon.Kubelet).TotalSize);
        Assert.Equal(answer.AvailableCapacity, answer.MaximumVolumeSize);
        Assert.InRange(await CapacityAsync(new() { Parameters = { ["pool"] = "any", ["uid"] = "1" }, AccessibleTopology = Requests.Place(CsiDaemon.Node) }), 1, long.MaxValue);
        Assert.Equal(0, await CapacityAsync(new() { Parameters = { ["pool"] = "full" } }));
    }

    [Fact]
    public async Task GetCapacity_WherePromisesMayGoBeyondTheRoom_SaysHowLargeAVolumeCanBe()
    {
        var before = await _daemon.Controller.GetCapacityAsync(new() { Parameters = { ["pool"] = "thin" } });
        Assert.InRange(before.AvailableCapacity, 1, new DriveInfo(_daemon.Kubelet).TotalSize);
        Assert.InRange(before.MaximumVolumeSize!.Value, before.AvailableCapacity * 2, before.AvailableCapacity * 4);
        Assert.Equal(1, before.MinimumVolumeSize);
        // What it says can be had, and counts from then on; what is promised already leaves less than what is free.
        await CreateIn("thin", before.MaximumVolumeSize.Value / 2);
        var total = new DriveInfo(_daemon.Kubelet).TotalSize;
        await CreateIn("thin", (3 * total) - (before.MaximumVolumeSize.Value / 2) - (1 << 20));
        var after = await _daemon.Controller.GetCapacityAsync(new() { Parameters = { ["pool"] = "thin" } });
        Assert.InRange(after.MaximumVolumeSize!.Value, 0, 1 << 20);
        Assert.InRange(after.AvailableCapacity, 0, 1 << 20);
        var full = await _daemon.Controller.GetCapacityAsync(new() { Parameters = { ["pool"] = "full" } });
        Assert.Equal(0, full.MaximumVolumeSize);
        Assert.Null(full.MinimumVolumeSize);
    }

    [Fact]
    public async Task GetCapacity_OfWhatCanNotBeMadeHere_IsNothing()
    {
        Assert.Equal(0, await CapacityAsync(new() { Parameters = { ["pool"] = "gone" } }));
        Assert.Equal(0, await CapacityAsync(new() { Parameters = { ["pool"] = "elsewhere" } }));
        Assert.Equal(0, await CapacityAsync(new() { Parameters = { ["compression"] = "zstd" } }));
        Assert.Equal(0, await CapacityAsync(new() { AccessibleTopology = Requests.Place("node-2") }));
        Assert.Equal(0, await CapacityAsync(new() { VolumeCapabilities = { Requests.Block() }, Parameters = { ["uid"] = "1" } }));
        Assert.Equal(0, await CapacityAsync(new() { VolumeCapabilities = { Requests.Mount(), Requests.Mount(fileSystem: "ntfs") } }));
        Assert.NotEqual(0, await CapacityAsync(new() { VolumeCapabilities = { Requests.Block() } }));
        Assert.NotEqual(0, await CapacityAsync(new() { VolumeCapabilities = { Requests.Mount(fileSystem: "xfs") } }));
        Assert.NotEqual(0, await CapacityAsync(new() { VolumeCapabilities = { Requests.Mount() } }));
    }

    [Fact]
    public async Task GetCapacity_WithSomethingInvalid_IsInvalid()
    {
        await Refused.AsAsync(StatusCode.InvalidArgument, _daemon.Controller.GetCapacityAsync(new() { Parameters = { ["colour"] = "red" } }));
        await Refused.AsAsync(StatusCode.InvalidArgument, _daemon.Controller.GetCapacityAsync(new() { AccessibleTopology = new() }));
        await Refused.AsAsync(StatusCode.InvalidArgument, _daemon.Controller.GetCapacityAsync(new() { VolumeCapabilities = { new Wire.VolumeCapability() } }));
    }

    [Fact]
    public async Task CreateVolume_InAFullPool_IsExhausted() => await Refused.AsAsync(StatusCode.ResourceExhausted, CreateIn("full", 1));

    [Fact]
    public async Task CreateVolume_InAPoolThatIsNotThere_IsUnavailable() => await Refused.AsAsync(StatusCode.Unavailable, CreateIn("gone", 1));

    [Fact]
    public async Task CreateVolume_BeyondWhatAPoolMayPromise_IsExhausted()
    {
        var total = new DriveInfo(_daemon.Kubelet).TotalSize;
        await CreateIn("any", 4 * total);
        await Refused.AsAsync(StatusCode.ResourceExhausted, CreateIn("strict", 2 * total));
        var most = await CapacityAsync(new() { Parameters = { ["pool"] = "strict" } });
        var volume = (await CreateIn("strict", total - (1 << 20))).Volume;
        Assert.InRange(await CapacityAsync(new() { Parameters = { ["pool"] = "strict" } }), 0, Math.Min(most, 1 << 20));
        await Refused.AsAsync(
            StatusCode.ResourceExhausted, _daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId, CapacityRange = new() { RequiredBytes = 2 * total } }));
        Assert.Equal(total - (1 << 20), (await _daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = volume.VolumeId })).Volume.CapacityBytes);
    }

    [Fact]
    public async Task CreateVolume_InAnotherPoolThanItsSource_IsInvalid()
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.Parameters["pool"] = "strict";
        request.VolumeContentSource = Requests.FromVolume((await _daemon.CreateAsync()).VolumeId);
        await Refused.AsAsync(StatusCode.InvalidArgument, _daemon.Controller.CreateVolumeAsync(request));
    }

    [Fact]
    public async Task CreateVolume_WithTheNameOfOneInAnotherPool_AlreadyExists()
    {
        var volume = await _daemon.CreateAsync();
        var request = Requests.CreateVolume(volume.VolumeId.Split('.')[1]);
        request.Parameters["pool"] = "strict";
        await Refused.AsAsync(StatusCode.AlreadyExists, _daemon.Controller.CreateVolumeAsync(request));
    }

    private static string NewPool()
    {
        var path = TestScratch.NewDirectory("pool");
        PoolInitializer.Initialize(new PoolSettings { Name = PoolName.Default, Backend = PoolBackend.Overlay2, Path = path });
        return path;
    }

    private AsyncUnaryCall<Wire.CreateVolumeResponse> CreateIn(string pool, long size)
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.Parameters["pool"] = pool;
        request.CapacityRange = new() { RequiredBytes = size };
        return _daemon.Controller.CreateVolumeAsync(request);
    }

    private async Task<long> CapacityAsync(Wire.GetCapacityRequest request) => (await _daemon.Controller.GetCapacityAsync(request)).AvailableCapacity;
}
