using Grpc.Core;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Cli;
using RpcType = Csi.V1.ControllerServiceCapability.Types.RPC.Types.Type;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>ControllerModifyVolume, on a daemon whose default is an overlay2 pool and that has a Btrfs pool too.</summary>
public sealed class ModifyVolumeTests : IAsyncLifetime
{
    private LoopDisk _disk = null!;
    private CsiDaemon _daemon = null!;

    public async ValueTask InitializeAsync()
    {
        _disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        _daemon = await CsiDaemon.StartAsync([.. CsiPools.Overlay("plain", "--default"), .. CsiPools.Btrfs("fast", _disk)]);
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        await _disk.DisposeAsync();
    }

    [Fact]
    public async Task ControllerModifyVolume_OfAVolumeInUse_HoldsForItsFilesAndOverARestart()
    {
        var volume = await CreateAsync(NewRequest());
        var target = await _daemon.PublishAsync(volume, await _daemon.StageAsync(volume));
        Directory.CreateDirectory(Path.Combine(target, "sub"));

        await ModifyAsync(volume, ("compression", "zstd"));
        Assert.Equal("zstd", CompressionOf(Path.Combine(target, "sub")));
        await ModifyAsync(volume, ("compression", "zstd"));
        await ModifyAsync(volume);
        Assert.Null(await MismatchAsync(volume, ("compression", "zstd")));
        Assert.Contains("zstd", await MismatchAsync(volume, ("compression", "lzo")), StringComparison.Ordinal);

        await _daemon.RestartAsync();
        Assert.Null(await MismatchAsync(volume, ("compression", "zstd")));
        var inspected = await CliRun.JsonAsync(_daemon.Daemon, "volume", "inspect", volume);
        Assert.Equal("""{"compression":"zstd"}""", inspected["attributes"]!.ToJsonString());
        await CliRun.OkAsync(_daemon.Daemon, "volume", "modify", volume, "--set", "compression=none");
        Assert.Equal("none", CompressionOf(Path.Combine(target, "sub")));
        Assert.Contains("compression=none", await CliRun.OkAsync(_daemon.Daemon, "volume", "inspect", volume), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("iops", "100", "'iops'")]
    [InlineData("compression", "fast", "'fast'")]
    [InlineData("Compression", "zstd", "'Compression'")]
    [InlineData("uid", "0", "'uid'")]
    public async Task ControllerModifyVolume_ByAnUnknownKeyOrValue_ChangesNothing(string key, string value, string named)
    {
        var volume = await CreateAsync(NewRequest());
        await ModifyAsync(volume, ("compression", "lzo"));
        foreach (var attributes in ((string, string)[][])[[(key, value)], key == "compression" ? [(key, value)] : [("compression", "zstd"), (key, value)]])
            Assert.Contains(named, await Refused.AsAsync(StatusCode.InvalidArgument, Modify(volume, attributes)), StringComparison.Ordinal);
        Assert.Null(await MismatchAsync(volume, ("compression", "lzo")));
    }

    [Fact]
    public async Task ControllerModifyVolume_OfWhatCanNotHaveIt_ChangesNothing()
    {
        var plain = NewRequest();
        plain.Parameters["pool"] = "plain";
        Assert.Contains("overlay2", await Refused.AsAsync(StatusCode.InvalidArgument, Modify(await CreateAsync(plain), ("compression", "zstd"))), StringComparison.Ordinal);

        var inPlace = NewRequest();
        inPlace.Parameters["copyOnWrite"] = "false";
        var volume = await CreateAsync(inPlace);
        Assert.Contains("copyOnWrite", await Refused.AsAsync(StatusCode.InvalidArgument, Modify(volume, ("compression", "zstd"))), StringComparison.Ordinal);
        await ModifyAsync(volume, ("compression", "none"));
        var clone = NewRequest();
        clone.VolumeContentSource = Requests.FromVolume(volume);
        Assert.Contains("copyOnWrite", await Refused.AsAsync(StatusCode.InvalidArgument, Modify(await CreateAsync(clone), ("compression", "zstd"))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ControllerModifyVolume_Otherwise_SaysWhatIsWrong()
    {
        await Refused.AsAsync(StatusCode.InvalidArgument, Modify("", ("compression", "zstd")));
        await Refused.AsAsync(StatusCode.NotFound, Modify("nowhere"));
        await Refused.AsAsync(StatusCode.NotFound, Modify("nowhere", ("iops", "1")));
        await Refused.AsAsync(StatusCode.Unavailable, Modify("aaaaaaaaaaaaa.data"));
    }

    [Fact]
    public async Task CreateVolume_WithMutableParameters_HasThemOverItsParameters()
    {
        var request = NewRequest();
        request.Parameters["compression"] = "lzo";
        request.MutableParameters["compression"] = "zstd";
        var volume = await CreateAsync(request);
        await _daemon.UseAsync(volume, path => Assert.Equal("zstd", CompressionOf(path)));
        Assert.Equal(volume, await CreateAsync(request));

        // A retry is compared by what was asked for at first, or is since.
        await ModifyAsync(volume, ("compression", "zlib"));
        Assert.Equal(volume, await CreateAsync(request));
        Assert.Equal(volume, await CreateAsync(new(request) { MutableParameters = { ["compression"] = "zlib" } }));
        Assert.Contains(
            "attributes",
            await Refused.AsAsync(StatusCode.AlreadyExists, _daemon.Controller.CreateVolumeAsync(new(request) { MutableParameters = { ["compression"] = "none" } })),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateVolume_WithMutableParametersThatItCanNotHave_MakesNone()
    {
        var request = NewRequest();
        request.MutableParameters["iops"] = "1";
        await Refused.AsAsync(StatusCode.InvalidArgument, _daemon.Controller.CreateVolumeAsync(request));
        request.MutableParameters.Clear();
        request.MutableParameters["compression"] = "zstd";
        request.Parameters["pool"] = "plain";
        await Refused.AsAsync(StatusCode.InvalidArgument, _daemon.Controller.CreateVolumeAsync(request));
        Assert.Empty((await _daemon.Controller.ListVolumesAsync(new())).Entries);
    }

    [Fact]
    public async Task Controller_ThatModifiesVolumes_SaysSo()
    {
        Assert.Contains(RpcType.ModifyVolume, await OfferedAsync(_daemon));
        await using var plain = await CsiDaemon.StartAsync();
        Assert.DoesNotContain(RpcType.ModifyVolume, await OfferedAsync(plain));
        await Refused.AsAsync(StatusCode.Unimplemented, plain.Controller.ControllerModifyVolumeAsync(new() { VolumeId = (await plain.CreateAsync()).VolumeId }));
    }

    [Fact]
    public async Task Controller_OfANode_DoesNotModifyVolumes()
    {
        await using var local = await CsiDaemon.StartAsync([.. CsiPools.Btrfs("other", _disk), "--csi:nodeLocal=true"]);
        Assert.DoesNotContain(RpcType.ModifyVolume, await OfferedAsync(local));
        await Refused.AsAsync(StatusCode.Unimplemented, local.Controller.ControllerModifyVolumeAsync(new() { VolumeId = (await local.CreateAsync()).VolumeId }));
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.MutableParameters["compression"] = "zstd";
        await Refused.AsAsync(StatusCode.Unimplemented, local.Controller.CreateVolumeAsync(request));
    }

    private static Wire.CreateVolumeRequest NewRequest()
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.Parameters["pool"] = "fast";
        return request;
    }

    private static string? CompressionOf(string path)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly);
        return Btrfs.GetCompression(file);
    }

    private static async Task<IEnumerable<RpcType>> OfferedAsync(CsiDaemon of) =>
        (await of.Controller.ControllerGetCapabilitiesAsync(new())).Capabilities.Select(capability => capability.Rpc.Type);

    private async Task<string> CreateAsync(Wire.CreateVolumeRequest request) => (await _daemon.Controller.CreateVolumeAsync(request)).Volume.VolumeId;

    private AsyncUnaryCall<Wire.ControllerModifyVolumeResponse> Modify(string volume, params (string Key, string Value)[] attributes) =>
        _daemon.Controller.ControllerModifyVolumeAsync(new() { VolumeId = volume, MutableParameters = { attributes.ToDictionary(pair => pair.Key, pair => pair.Value) } });

    private async Task ModifyAsync(string volume, params (string Key, string Value)[] attributes) => await Modify(volume, attributes);

    private async Task<string?> MismatchAsync(string volume, params (string Key, string Value)[] attributes)
    {
        var answer = await _daemon.Controller.ValidateVolumeCapabilitiesAsync(new()
        {
            VolumeId = volume,
            VolumeCapabilities = { Requests.Mount() },
            MutableParameters = { attributes.ToDictionary(pair => pair.Key, pair => pair.Value) },
        });
        Assert.Equal(answer.Message.Length == 0 ? attributes.Length : null, answer.Confirmed?.MutableParameters.Count);
        return answer.Message.Length == 0 ? null : answer.Message;
    }
}
