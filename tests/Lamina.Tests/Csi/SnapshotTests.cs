using Grpc.Core;

namespace Lamina.Tests.Csi;

[Collection<CsiCollection>]
public sealed class SnapshotTests(CsiDaemon daemon)
{
    [Fact]
    public async Task GetSnapshot_ById_DescribesIt()
    {
        var snapshot = await daemon.SnapshotAsync((await daemon.CreateAsync()).VolumeId);
        Assert.Equal(snapshot, (await daemon.Controller.GetSnapshotAsync(new() { SnapshotId = snapshot.SnapshotId })).Snapshot);
        Assert.Contains(
            global::Csi.V1.ControllerServiceCapability.Types.RPC.Types.Type.GetSnapshot,
            (await daemon.Controller.ControllerGetCapabilitiesAsync(new())).Capabilities.Select(capability => capability.Rpc.Type));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.GetSnapshotAsync(new()));
        await Refused.AsAsync(StatusCode.NotFound, daemon.Controller.GetSnapshotAsync(new() { SnapshotId = "nowhere" }));
        await Refused.AsAsync(StatusCode.NotFound, daemon.Controller.GetSnapshotAsync(new() { SnapshotId = snapshot.SnapshotId + "-nowhere" }));
        await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.GetSnapshotAsync(new() { SnapshotId = "aaaaaaaaaaaaa.data" }));
    }

    [Fact]
    public async Task CreateSnapshot_OfAVolume_IsReadyWithSizeAndTime()
    {
        var volume = await daemon.CreateAsync(size: 5 << 20);
        var before = TimeProvider.System.GetUtcNow();
        var snapshot = await daemon.SnapshotAsync(volume.VolumeId);
        Assert.True(snapshot.ReadyToUse);
        Assert.Equal(5 << 20, snapshot.SizeBytes);
        Assert.Equal(volume.VolumeId, snapshot.SourceVolumeId);
        Assert.InRange(snapshot.CreationTime.ToDateTimeOffset(), before.AddSeconds(-1), TimeProvider.System.GetUtcNow());
        Assert.Empty(snapshot.GroupSnapshotId);
    }

    [Fact]
    public async Task CreateSnapshot_OfAVolumeWithoutALimit_HasASizeThatRestoresCanHave()
    {
        var snapshot = await daemon.SnapshotAsync((await daemon.CreateAsync(size: null)).VolumeId);
        Assert.True(snapshot.SizeBytes > 0);
        Assert.NotEmpty((await daemon.CreateAsync(size: snapshot.SizeBytes, source: Requests.FromSnapshot(snapshot.SnapshotId))).VolumeId);
    }

    [Fact]
    public async Task CreateSnapshot_Again_AnswersTheSame()
    {
        var volume = await daemon.CreateAsync();
        var name = CsiDaemon.NewName();
        Assert.Equal(await daemon.SnapshotAsync(volume.VolumeId, name), await daemon.SnapshotAsync(volume.VolumeId, name));
    }

    [Fact]
    public async Task CreateSnapshot_EightAtOnce_MakesOne()
    {
        var volume = await daemon.CreateAsync();
        var name = CsiDaemon.NewName();
        var snapshots = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => daemon.SnapshotAsync(volume.VolumeId, name)));
        Assert.Single(snapshots.Distinct());
    }

    [Fact]
    public async Task CreateSnapshot_WithTheNameOfAnothersSnapshot_AlreadyExists()
    {
        var snapshot = await daemon.SnapshotAsync((await daemon.CreateAsync()).VolumeId, "taken");
        var other = await daemon.CreateAsync();
        Assert.Contains(snapshot.SourceVolumeId, await Refused.AsAsync(
            StatusCode.AlreadyExists, daemon.Controller.CreateSnapshotAsync(new() { Name = "taken", SourceVolumeId = other.VolumeId })), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateSnapshot_WithLabelsOfKubernetes_IsMade() =>
        await daemon.Controller.CreateSnapshotAsync(new()
        {
            Name = CsiDaemon.NewName(),
            SourceVolumeId = (await daemon.CreateAsync()).VolumeId,
            Parameters = { ["csi.storage.k8s.io/volumesnapshot/name"] = "s", ["csi.storage.k8s.io/volumesnapshotcontent/name"] = "c" },
        });

    [Fact]
    public async Task CreateSnapshot_Otherwise_SaysWhatIsWrong()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var pool = volume.Split('.')[0];
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.CreateSnapshotAsync(new() { SourceVolumeId = volume }));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.CreateSnapshotAsync(new() { Name = "s" }));
        await Refused.AsAsync(
            StatusCode.InvalidArgument, daemon.Controller.CreateSnapshotAsync(new() { Name = "s", SourceVolumeId = volume, Parameters = { ["depth"] = "1" } }));
        await Refused.AsAsync(StatusCode.NotFound, daemon.Controller.CreateSnapshotAsync(new() { Name = CsiDaemon.NewName(), SourceVolumeId = $"{pool}.nowhere" }));
        await Refused.AsAsync(StatusCode.NotFound, daemon.Controller.CreateSnapshotAsync(new() { Name = CsiDaemon.NewName(), SourceVolumeId = "../.." }));
        await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.CreateSnapshotAsync(new() { Name = CsiDaemon.NewName(), SourceVolumeId = "aaaaaaaaaaaaa.x" }));
    }

    [Fact]
    public async Task DeleteSnapshot_ThatExists_IsGoneAndMayBeDeletedAgain()
    {
        var snapshot = await daemon.SnapshotAsync((await daemon.CreateAsync()).VolumeId);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot.SnapshotId }).ResponseAsync));
        await daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot.SnapshotId });
        Assert.Empty((await daemon.Controller.ListSnapshotsAsync(new() { SnapshotId = snapshot.SnapshotId })).Entries);
    }

    [Theory]
    [MemberData(nameof(ExistingVolumeTests.ForeignIds), MemberType = typeof(ExistingVolumeTests))]
    public async Task DeleteSnapshot_WithAnIdThatIsNoneOfOurs_IsFine(string id) => await daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = id });

    [Fact]
    public async Task DeleteSnapshot_Otherwise_SaysWhatIsWrong()
    {
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.DeleteSnapshotAsync(new()));
        await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = "aaaaaaaaaaaaa.data" }));
    }

    [Fact]
    public async Task Snapshot_WhenItsVolumeIsGone_RestoresStill()
    {
        var volume = await daemon.CreateAsync();
        await daemon.UseAsync(volume.VolumeId, path => File.WriteAllText(Path.Combine(path, "file"), "content"));
        var snapshot = await daemon.SnapshotAsync(volume.VolumeId);
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId });
        var restored = await daemon.CreateAsync(source: Requests.FromSnapshot(snapshot.SnapshotId));
        await daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot.SnapshotId });
        await daemon.UseAsync(restored.VolumeId, path => Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file"))));
    }
}
