using Grpc.Core;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

[Collection<CsiCollection>]
public sealed class ListTests(CsiDaemon daemon)
{
    [Fact]
    public async Task ListVolumes_PageByPage_IsCompleteWhileOthersComeAndGo()
    {
        var stable = new List<string>();
        for (var i = 0; i < 7; i++)
            stable.Add((await daemon.CreateAsync()).VolumeId);
        var passing = await daemon.CreateAsync("zz-passing");

        var seen = new List<string>();
        var token = "";
        do
        {
            var page = await daemon.Controller.ListVolumesAsync(new() { MaxEntries = 3, StartingToken = token });
            Assert.InRange(page.Entries.Count, 1, 3);
            seen.AddRange(page.Entries.Select(entry => entry.Volume.VolumeId));
            token = page.NextToken;
            // What the token names goes, and something new comes.
            if (passing.VolumeId == seen[^1] || seen.Count == 3)
                await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = passing.VolumeId });
            await daemon.CreateAsync();
        }
        while (token.Length > 0);

        Assert.Empty(stable.Except(seen));
        Assert.Equal(seen.Count, seen.Distinct().Count());
    }

    [Fact]
    public async Task ListVolumes_WithoutALimit_HasEveryVolumeWhole()
    {
        var volume = await daemon.CreateAsync();
        var answer = await daemon.Controller.ListVolumesAsync(new());
        Assert.Empty(answer.NextToken);
        Assert.Contains(volume, answer.Entries.Select(entry => entry.Volume));
    }

    [Fact]
    public async Task ListVolumes_WithABadToken_IsAborted()
    {
        await Refused.AsAsync(StatusCode.Aborted, daemon.Controller.ListVolumesAsync(new() { StartingToken = "nonsense" }));
        await Refused.AsAsync(StatusCode.Aborted, daemon.Controller.ListVolumesAsync(new() { StartingToken = new string('x', 1000) }));
    }

    [Fact]
    public async Task Lists_WithANegativeLimit_AreInvalid()
    {
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.ListVolumesAsync(new() { MaxEntries = -1 }));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.ListSnapshotsAsync(new() { MaxEntries = -1 }));
    }

    [Fact]
    public async Task ListSnapshots_PageByPage_IsComplete()
    {
        var volume = await daemon.CreateAsync();
        var snapshots = new List<Wire.Snapshot>();
        for (var i = 0; i < 5; i++)
            snapshots.Add(await daemon.SnapshotAsync(volume.VolumeId));

        var seen = new List<Wire.Snapshot>();
        var token = "";
        do
        {
            var page = await daemon.Controller.ListSnapshotsAsync(new() { SourceVolumeId = volume.VolumeId, MaxEntries = 2, StartingToken = token });
            seen.AddRange(page.Entries.Select(entry => entry.Snapshot));
            token = page.NextToken;
        }
        while (token.Length > 0);

        Assert.Equivalent(snapshots, seen, strict: true);
        Assert.Empty(snapshots.Except((await daemon.Controller.ListSnapshotsAsync(new())).Entries.Select(entry => entry.Snapshot)));
    }

    [Fact]
    public async Task ListSnapshots_ById_HasThatOne()
    {
        var volume = await daemon.CreateAsync();
        var snapshot = await daemon.SnapshotAsync(volume.VolumeId);
        await daemon.SnapshotAsync(volume.VolumeId);
        Assert.Equal([snapshot], await ListAsync(new() { SnapshotId = snapshot.SnapshotId }));
        Assert.Equal([snapshot], await ListAsync(new() { SnapshotId = snapshot.SnapshotId, SourceVolumeId = volume.VolumeId }));
        Assert.Empty(await ListAsync(new() { SnapshotId = snapshot.SnapshotId, SourceVolumeId = (await daemon.CreateAsync()).VolumeId }));
    }

    [Fact]
    public async Task ListSnapshots_OfAVolumeThatIsGone_HasThemStill()
    {
        var volume = await daemon.CreateAsync();
        var snapshot = await daemon.SnapshotAsync(volume.VolumeId);
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId });
        Assert.Equal([snapshot], await ListAsync(new() { SourceVolumeId = volume.VolumeId }));
    }

    [Theory]
    [MemberData(nameof(ExistingVolumeTests.ForeignIds), MemberType = typeof(ExistingVolumeTests))]
    public async Task ListSnapshots_ByAnIdThatNothingHas_IsEmpty(string id)
    {
        Assert.Empty(await ListAsync(new() { SnapshotId = id }));
        Assert.Empty(await ListAsync(new() { SourceVolumeId = id }));
    }

    [Fact]
    public async Task ListSnapshots_ByAnUnknownIdOfAPoolOfOurs_IsEmpty()
    {
        var pool = (await daemon.CreateAsync()).VolumeId.Split('.')[0];
        Assert.Empty(await ListAsync(new() { SnapshotId = $"{pool}.nowhere" }));
        Assert.Empty(await ListAsync(new() { SourceVolumeId = $"{pool}.nowhere" }));
    }

    [Fact]
    public async Task ListSnapshots_ByAnIdOfAPoolThatIsNotLoaded_IsUnavailable()
    {
        await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.ListSnapshotsAsync(new() { SnapshotId = "aaaaaaaaaaaaa.data" }));
        await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.ListSnapshotsAsync(new() { SourceVolumeId = "aaaaaaaaaaaaa.data" }));
    }

    [Fact]
    public async Task ListSnapshots_WithABadToken_IsAborted() =>
        await Refused.AsAsync(StatusCode.Aborted, daemon.Controller.ListSnapshotsAsync(new() { StartingToken = "../.." }));

    private async Task<IEnumerable<Wire.Snapshot>> ListAsync(Wire.ListSnapshotsRequest request) =>
        (await daemon.Controller.ListSnapshotsAsync(request)).Entries.Select(entry => entry.Snapshot);
}
