using Grpc.Core;
using Lamina.Storage;
using ServiceType = Csi.V1.PluginCapability.Types.Service.Types.Type;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

[Collection<CsiCollection>]
public sealed class GroupSnapshotTests(CsiDaemon daemon)
{
    [Fact]
    public async Task Capabilities_OfGroups_AreAll() => Assert.Equal(
        [Wire.GroupControllerServiceCapability.Types.RPC.Types.Type.CreateDeleteGetVolumeGroupSnapshot],
        (await daemon.GroupController.GroupControllerGetCapabilitiesAsync(new())).Capabilities.Select(capability => capability.Rpc.Type));

    [Fact]
    public async Task Create_OfTwoVolumes_IsReadyWithASnapshotOfEach()
    {
        var volumes = await TwoAsync(5 << 20);
        var before = TimeProvider.System.GetUtcNow();

        var group = await CreateAsync(volumes);

        Assert.True(group.ReadyToUse);
        Assert.InRange(group.CreationTime.ToDateTimeOffset(), before.AddSeconds(-1), TimeProvider.System.GetUtcNow());
        Assert.Equal(volumes.Order(StringComparer.Ordinal), group.Snapshots.Select(snapshot => snapshot.SourceVolumeId).Order(StringComparer.Ordinal));
        Assert.All(group.Snapshots, snapshot =>
        {
            Assert.Equal(group.GroupSnapshotId, snapshot.GroupSnapshotId);
            Assert.Equal(group.CreationTime, snapshot.CreationTime);
            Assert.Equal(5 << 20, snapshot.SizeBytes);
            Assert.True(snapshot.ReadyToUse);
            Assert.Equal(snapshot, Assert.Single(daemon.Controller.ListSnapshots(new() { SnapshotId = snapshot.SnapshotId }).Entries).Snapshot);
        });
    }

    [Fact]
    public async Task Create_OfVolumesInUse_HasWhatTheyHad()
    {
        var volumes = await TwoAsync();
        var targets = new Dictionary<string, (string Staging, string Target)>();
        foreach (var volume in volumes)
        {
            var staging = await daemon.StageAsync(volume);
            targets[volume] = (staging, await daemon.PublishAsync(volume, staging));
            await File.WriteAllTextAsync(Path.Combine(targets[volume].Target, "file"), $"then {volume}");
        }

        var group = await CreateAsync(volumes);

        foreach (var (volume, (staging, target)) in targets)
        {
            await File.WriteAllTextAsync(Path.Combine(target, "file"), "now");
            await daemon.UnpublishAsync(volume, target);
            await daemon.UnstageAsync(volume, staging);
        }
        foreach (var snapshot in group.Snapshots)
        {
            var restored = await daemon.CreateAsync(source: Requests.FromSnapshot(snapshot.SnapshotId));
            await daemon.UseAsync(restored.VolumeId, path => Assert.Equal($"then {snapshot.SourceVolumeId}", File.ReadAllText(Path.Combine(path, "file"))));
        }
    }

    [Fact]
    public async Task Create_EightAtOnceInAnyOrder_MakesOne()
    {
        var volumes = await TwoAsync();
        var name = CsiDaemon.NewName("group");
        var groups = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => CreateAsync(i % 2 == 0 ? volumes : [.. volumes.Reverse()], name)));
        Assert.Single(groups.Distinct());
    }

    [Fact]
    public async Task Create_WithLabelsOfKubernetes_IsMade() => await daemon.GroupController.CreateVolumeGroupSnapshotAsync(new()
    {
        Name = CsiDaemon.NewName("group"),
        SourceVolumeIds = { await TwoAsync() },
        Parameters = { ["csi.storage.k8s.io/volumegroupsnapshot/name"] = "s" },
        Secrets = { ["some"] = "thing" },
    });

    [Fact]
    public async Task Create_OfMoreIdsThanOtherListsMayHold_IsLookedAt()
    {
        // 100 ids have far more than 4 KiB.
        var volumes = await TwoAsync();
        var request = new Wire.CreateVolumeGroupSnapshotRequest { Name = CsiDaemon.NewName("group"), SourceVolumeIds = { volumes } };
        request.SourceVolumeIds.Add(Enumerable.Range(0, 100).Select(i => $"{volumes[0]}{new string('-', 60)}{i}"));
        await Refused.AsAsync(StatusCode.NotFound, daemon.GroupController.CreateVolumeGroupSnapshotAsync(request));
        request.SourceVolumeIds.Add(new string('x', 129));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.GroupController.CreateVolumeGroupSnapshotAsync(request));
    }

    [Fact]
    public async Task Create_Otherwise_SaysWhatIsWrong()
    {
        var volumes = await TwoAsync();
        var taken = (await CreateAsync(volumes), CsiDaemon.NewName("group")).Item2;
        await CreateAsync(volumes, taken);
        await AsAsync(StatusCode.InvalidArgument, "", volumes);
        await AsAsync(StatusCode.InvalidArgument, "g");
        await AsAsync(StatusCode.InvalidArgument, "g", volumes[0], "");
        await AsAsync(StatusCode.InvalidArgument, "g", volumes[0], volumes[0]);
        await AsAsync(StatusCode.InvalidArgument, "g\u0001", volumes);
        await AsAsync(StatusCode.NotFound, "g", volumes[0], "../..");
        await AsAsync(StatusCode.NotFound, "g", volumes[0], $"{volumes[0]}-not");
        await AsAsync(StatusCode.Unavailable, "g", volumes[0], "aaaaaaaaaaaaa.x");
        await AsAsync(StatusCode.AlreadyExists, taken, volumes[0]);
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.GroupController.CreateVolumeGroupSnapshotAsync(
            new() { Name = "g", SourceVolumeIds = { volumes }, Parameters = { ["depth"] = "1" } }));

        Task AsAsync(StatusCode code, string name, params string[] ids) =>
            Refused.AsAsync(code, daemon.GroupController.CreateVolumeGroupSnapshotAsync(new() { Name = name, SourceVolumeIds = { ids } }));
    }

    [Fact]
    public async Task Create_WhileAVolumeIsBusy_IsAborted()
    {
        var volumes = await TwoAsync();
        VolumeId.TryParse(volumes[1], out var id);
        using (await daemon.LockAsync(Storage.Operations.LockKey.Volume(id.Key)))
        {
            await Refused.AsAsync(StatusCode.Aborted, daemon.GroupController.CreateVolumeGroupSnapshotAsync(
                new() { Name = CsiDaemon.NewName("group"), SourceVolumeIds = { volumes } }, deadline: CsiDaemon.In(TimeSpan.FromSeconds(2))));
        }
    }

    [Fact]
    public async Task Get_OfAGroup_IsWhatWasMade()
    {
        var group = await CreateAsync(await TwoAsync());
        var get = new Wire.GetVolumeGroupSnapshotRequest { GroupSnapshotId = group.GroupSnapshotId, SnapshotIds = { group.Snapshots.Select(snapshot => snapshot.SnapshotId) } };
        Assert.Equal(group, (await daemon.GroupController.GetVolumeGroupSnapshotAsync(get)).GroupSnapshot);
        await daemon.RestartAsync();
        Assert.Equal(group, (await daemon.GroupController.GetVolumeGroupSnapshotAsync(get)).GroupSnapshot);
    }

    [Fact]
    public async Task Get_Otherwise_SaysWhatIsWrong()
    {
        var group = await CreateAsync(await TwoAsync());
        await AsAsync(StatusCode.InvalidArgument, "");
        await AsAsync(StatusCode.NotFound, "no id of ours");
        await AsAsync(StatusCode.NotFound, $"{group.GroupSnapshotId}-not");
        await AsAsync(StatusCode.NotFound, group.Snapshots[0].SnapshotId, group.Snapshots[0].SnapshotId);
        await AsAsync(StatusCode.Unavailable, "aaaaaaaaaaaaa.g");
        await AsAsync(StatusCode.InvalidArgument, group.GroupSnapshotId);
        await AsAsync(StatusCode.InvalidArgument, group.GroupSnapshotId, group.Snapshots[0].SnapshotId);
        await AsAsync(StatusCode.InvalidArgument, group.GroupSnapshotId, [.. group.Snapshots.Select(snapshot => snapshot.SnapshotId), "another"]);

        Task AsAsync(StatusCode code, string id, params string[] members) =>
            Refused.AsAsync(code, daemon.GroupController.GetVolumeGroupSnapshotAsync(new() { GroupSnapshotId = id, SnapshotIds = { members } }));
    }

    [Fact]
    public async Task Delete_OfAGroup_TakesItsSnapshotsAndMayBeRepeated()
    {
        var volumes = await TwoAsync();
        var group = await CreateAsync(volumes);
        var request = new Wire.DeleteVolumeGroupSnapshotRequest
        {
            GroupSnapshotId = group.GroupSnapshotId,
            SnapshotIds = { group.Snapshots.Select(snapshot => snapshot.SnapshotId) },
        };
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => daemon.GroupController.DeleteVolumeGroupSnapshotAsync(request).ResponseAsync));
        await daemon.GroupController.DeleteVolumeGroupSnapshotAsync(request);
        foreach (var volume in volumes)
            Assert.Empty((await daemon.Controller.ListSnapshotsAsync(new() { SourceVolumeId = volume })).Entries);
    }

    [Fact]
    public async Task Delete_Otherwise_SaysWhatIsWrong()
    {
        var group = await CreateAsync(await TwoAsync());
        var members = group.Snapshots.Select(snapshot => snapshot.SnapshotId).ToArray();
        await Refused.AsAsync(StatusCode.InvalidArgument, DeleteAsync(""));
        await Refused.AsAsync(StatusCode.InvalidArgument, DeleteAsync(group.GroupSnapshotId));
        await Refused.AsAsync(StatusCode.InvalidArgument, DeleteAsync(group.GroupSnapshotId, members[0]));
        await Refused.AsAsync(StatusCode.InvalidArgument, DeleteAsync(group.GroupSnapshotId, [.. members, "another"]));
        await Refused.AsAsync(StatusCode.Unavailable, DeleteAsync("aaaaaaaaaaaaa.g"));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = members[0] }));
        Assert.Equal(2, group.Snapshots.Count(snapshot => daemon.Controller.ListSnapshots(new() { SnapshotId = snapshot.SnapshotId }).Entries.Count == 1));
    }

    [Theory]
    [MemberData(nameof(ExistingVolumeTests.ForeignIds), MemberType = typeof(ExistingVolumeTests))]
    public async Task Delete_WithAnIdThatIsNoneOfOurs_IsFine(string id) => await DeleteAsync(id, "whatever");

    [Fact]
    public async Task Groups_WhereEachNodeHasItsOwnSidecars_AreNotOffered()
    {
        await using var local = await CsiDaemon.StartAsync("--csi:nodeLocal=true");
        var capabilities = (await local.Identity.GetPluginCapabilitiesAsync(new())).Capabilities;
        Assert.DoesNotContain(ServiceType.GroupControllerService, capabilities.Where(capability => capability.Service is not null).Select(capability => capability.Service.Type));
        await Refused.AsAsync(StatusCode.Unimplemented, local.GroupController.GroupControllerGetCapabilitiesAsync(new()));
        await Refused.AsAsync(StatusCode.Unimplemented, local.GroupController.CreateVolumeGroupSnapshotAsync(new()));
        await Refused.AsAsync(StatusCode.Unimplemented, local.GroupController.GetVolumeGroupSnapshotAsync(new()));
        await Refused.AsAsync(StatusCode.Unimplemented, local.GroupController.DeleteVolumeGroupSnapshotAsync(new()));
    }

    private async Task<string[]> TwoAsync(long size = 1 << 20) => [(await daemon.CreateAsync(size: size)).VolumeId, (await daemon.CreateAsync(size: size)).VolumeId];

    private async Task<Wire.VolumeGroupSnapshot> CreateAsync(string[] volumes, string? name = null) => (await daemon.GroupController.CreateVolumeGroupSnapshotAsync(
        new() { Name = name ?? CsiDaemon.NewName("group"), SourceVolumeIds = { volumes } })).GroupSnapshot;

    private AsyncUnaryCall<Wire.DeleteVolumeGroupSnapshotResponse> DeleteAsync(string id, params string[] members) =>
        daemon.GroupController.DeleteVolumeGroupSnapshotAsync(new() { GroupSnapshotId = id, SnapshotIds = { members } });
}
