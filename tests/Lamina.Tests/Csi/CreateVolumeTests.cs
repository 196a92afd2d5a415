using Grpc.Core;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

[Collection<CsiCollection>]
public sealed class CreateVolumeTests(CsiDaemon daemon)
{
    private const long Gibibyte = 1L << 30;

    [Fact]
    public async Task CreateVolume_WithASize_AnswersItAndThePlace()
    {
        var volume = await daemon.CreateAsync(size: 3 * Gibibyte);
        Assert.Equal(3 * Gibibyte, volume.CapacityBytes);
        Assert.Equal([Requests.Place(CsiDaemon.Node)], volume.AccessibleTopology);
        Assert.Null(volume.ContentSource);
        Assert.InRange(volume.VolumeId.Length, 1, 128);
    }

    [Fact]
    public async Task CreateVolume_WithoutASize_HasNoKnownCapacity() => Assert.Equal(0, (await daemon.CreateAsync(size: null)).CapacityBytes);

    [Fact]
    public async Task CreateVolume_WithALimitAlone_StaysWithinIt()
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.CapacityRange = new() { LimitBytes = Gibibyte };
        Assert.Equal(Gibibyte, (await daemon.Controller.CreateVolumeAsync(request)).Volume.CapacityBytes);
    }

    [Theory]
    [InlineData(Mode.SingleNodeWriter)]
    [InlineData(Mode.SingleNodeReaderOnly)]
    [InlineData(Mode.MultiNodeReaderOnly)]
    [InlineData(Mode.MultiNodeSingleWriter)]
    [InlineData(Mode.MultiNodeMultiWriter)]
    [InlineData(Mode.SingleNodeSingleWriter)]
    [InlineData(Mode.SingleNodeMultiWriter)]
    public async Task CreateVolume_ForAnyMode_IsMade(Mode mode)
    {
        var request = new Wire.CreateVolumeRequest { Name = CsiDaemon.NewName(), VolumeCapabilities = { Requests.Mount(mode, "overlay2", "ro") } };
        Assert.NotEmpty((await daemon.Controller.CreateVolumeAsync(request)).Volume.VolumeId);
    }

    public static TheoryData<string, Action<Wire.CreateVolumeRequest>> Invalid => new()
    {
        { "name", request => request.Name = "" },
        { "volume_capabilities", request => request.VolumeCapabilities.Clear() },
        { "access_type", request => request.VolumeCapabilities[0].ClearAccessType() },
        { "access_mode", request => request.VolumeCapabilities[0].AccessMode = null },
        { "access mode", request => request.VolumeCapabilities[0].AccessMode.Mode = Mode.Unknown },
        { "access mode", request => request.VolumeCapabilities[0].AccessMode.Mode = (Mode)99 },
        { "negative", request => request.CapacityRange = new() { RequiredBytes = -1 } },
        { "negative", request => request.CapacityRange = new() { RequiredBytes = 1, LimitBytes = -1 } },
        { "capacity_range", request => request.CapacityRange = new() },
        { "limit", request => request.CapacityRange = new() { RequiredBytes = 2, LimitBytes = 1 } },
        { "raw block", request => (request.VolumeCapabilities[0], request.Parameters["mode"]) = (Requests.Block(), "0700") },
        { "compression", request => (request.VolumeCapabilities[0].Mount.FsType, request.Parameters["compression"]) = ("xfs", "zstd") },
        { "differ", request => request.VolumeCapabilities.Add(Requests.Block()) },
        { "overlay2", request => request.VolumeCapabilities[0].Mount.FsType = "ntfs" },
        { "'sync'", request => request.VolumeCapabilities[0].Mount.MountFlags.Add("ro,sync") },
        { "colour", request => request.Parameters["colour"] = "red" },
        { "uid", request => request.Parameters["uid"] = "root" },
        { "compression", request => request.Parameters["compression"] = "zstd" },
        { "default", request => request.Parameters["pool"] = "elsewhere" },
        { "pool name", request => request.Parameters["pool"] = "../default" },
        { "type of volume_content_source", request => request.VolumeContentSource = new() },
        { "snapshot_id", request => request.VolumeContentSource = Requests.FromSnapshot("") },
        { "volume_id", request => request.VolumeContentSource = Requests.FromVolume("") },
        { "segments", request => request.AccessibilityRequirements = new() { Requisite = { new Wire.Topology() } } },
        { "63", request => request.AccessibilityRequirements = new() { Preferred = { Requests.Place(new string('n', 64)) } } },
        { "128", request => request.Name = new string('n', 129) },
        { "U+0001", request => request.Name = "a\u0001b" },
        { "U+0085", request => request.Name = "a\u0085b" },
        { "parameters", request => request.Parameters["csi.storage.k8s.io/pvc/name"] = new string('x', 4096) },
        { "secrets", request => request.Secrets["key"] = new string('x', 4096) },
        { "mount_flags", request => request.VolumeCapabilities[0].Mount.MountFlags.Add(new string('x', 5000)) },
        { "fs_type", request => request.VolumeCapabilities[0].Mount.FsType = new string('x', 129) },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public async Task CreateVolume_WithSomethingInvalid_SaysWhat(string what, Action<Wire.CreateVolumeRequest> spoil)
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        spoil(request);
        Assert.Contains(what, await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.CreateVolumeAsync(request)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateVolume_WithMutableParameters_IsUnimplemented()
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.MutableParameters["iops"] = "1";
        await Refused.AsAsync(StatusCode.Unimplemented, daemon.Controller.CreateVolumeAsync(request));
    }

    [Fact]
    public async Task CreateVolume_Again_AnswersTheSame()
    {
        var name = CsiDaemon.NewName();
        Assert.Equal(await daemon.CreateAsync(name), await daemon.CreateAsync(name));
    }

    [Fact]
    public async Task CreateVolume_EightAtOnce_MakesOne()
    {
        var name = CsiDaemon.NewName();
        var volumes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => daemon.CreateAsync(name)));
        Assert.Single(volumes.Select(volume => volume.VolumeId).Distinct());
    }

    [Fact]
    public async Task CreateVolume_AgainAfterAnExpansion_StillMatches()
    {
        var name = CsiDaemon.NewName();
        var volume = await daemon.CreateAsync(name, Gibibyte);
        await daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId, CapacityRange = new() { RequiredBytes = 2 * Gibibyte } });
        var request = Requests.CreateVolume(name);
        request.CapacityRange = new() { RequiredBytes = Gibibyte, LimitBytes = Gibibyte };
        var again = (await daemon.Controller.CreateVolumeAsync(request)).Volume;
        Assert.Equal(volume.VolumeId, again.VolumeId);
        Assert.Equal(2 * Gibibyte, again.CapacityBytes);
    }

    [Fact]
    public async Task CreateVolume_AgainWithOtherSecretsAndLabels_StillMatches()
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.Parameters["csi.storage.k8s.io/pvc/name"] = "claim";
        request.Secrets["token"] = "one";
        var volume = (await daemon.Controller.CreateVolumeAsync(request)).Volume;
        request.Parameters["csi.storage.k8s.io/pvc/name"] = "another";
        request.Secrets["token"] = "two";
        Assert.Equal(volume, (await daemon.Controller.CreateVolumeAsync(request)).Volume);
    }

    public static TheoryData<string, Action<Wire.CreateVolumeRequest>> Different => new()
    {
        { "size", request => request.CapacityRange = new() { RequiredBytes = 2 * Gibibyte } },
        { "size", request => request.CapacityRange = new() { LimitBytes = Gibibyte / 2 } },
        { "kind", request => request.VolumeCapabilities[0] = Requests.Block() },
        { "filesystem", request => request.VolumeCapabilities[0].Mount.FsType = "xfs" },
        { "parameters: none, not uid=1000 mode=0750", request => request.Parameters.Add(new Dictionary<string, string> { ["uid"] = "1000", ["mode"] = "750" }) },
        { "place", request => request.AccessibilityRequirements = new() { Requisite = { Requests.Place("node-2") } } },
    };

    [Theory]
    [MemberData(nameof(Different))]
    public async Task CreateVolume_WithTheNameOfADifferentOne_AlreadyExists(string what, Action<Wire.CreateVolumeRequest> change)
    {
        var name = CsiDaemon.NewName();
        await daemon.CreateAsync(name, Gibibyte);
        var request = Requests.CreateVolume(name);
        request.CapacityRange = new() { RequiredBytes = Gibibyte };
        change(request);
        Assert.Contains(what, await Refused.AsAsync(StatusCode.AlreadyExists, daemon.Controller.CreateVolumeAsync(request)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateVolume_WithTheNameOfOneFromAnotherSource_AlreadyExists()
    {
        var name = CsiDaemon.NewName();
        await daemon.CreateAsync(name);
        var request = Requests.CreateVolume(name);
        request.VolumeContentSource = Requests.FromVolume((await daemon.CreateAsync()).VolumeId);
        Assert.Contains("source", await Refused.AsAsync(StatusCode.AlreadyExists, daemon.Controller.CreateVolumeAsync(request)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateVolume_WhereThisNodeIsNotAllowed_IsExhausted()
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.AccessibilityRequirements = new() { Requisite = { Requests.Place("node-2"), new Wire.Topology { Segments = { ["example.com/zone"] = "a" } } } };
        await Refused.AsAsync(StatusCode.ResourceExhausted, daemon.Controller.CreateVolumeAsync(request));
    }

    [Fact]
    public async Task CreateVolume_WhereThisNodeIsOneOfThose_IsMadeHere()
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.AccessibilityRequirements = new()
        {
            Requisite = { Requests.Place("node-2"), Requests.Place(CsiDaemon.Node) },
            Preferred = { Requests.Place("node-2") },
        };
        Assert.Equal([Requests.Place(CsiDaemon.Node)], (await daemon.Controller.CreateVolumeAsync(request)).Volume.AccessibleTopology);
    }

    [Fact]
    public async Task CreateVolume_WhereAnotherNodeIsOnlyPreferred_IsMadeHere()
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.AccessibilityRequirements = new() { Preferred = { Requests.Place("node-2") } };
        Assert.NotEmpty((await daemon.Controller.CreateVolumeAsync(request)).Volume.VolumeId);
    }

    [Fact]
    public async Task CreateVolume_FromWhatDoesNotExist_IsNotFound()
    {
        var pool = (await daemon.CreateAsync()).VolumeId.Split('.')[0];
        foreach (var source in (Wire.VolumeContentSource[])
            [
                Requests.FromSnapshot($"{pool}.nowhere"), Requests.FromVolume($"{pool}.nowhere"), Requests.FromSnapshot("../../etc/passwd"), Requests.FromVolume("nowhere"),
            ])
        {
            var request = Requests.CreateVolume(CsiDaemon.NewName());
            request.VolumeContentSource = source;
            await Refused.AsAsync(StatusCode.NotFound, daemon.Controller.CreateVolumeAsync(request));
        }
    }

    [Fact]
    public async Task CreateVolume_FromASourceOfAnotherNode_IsExhausted()
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.VolumeContentSource = Requests.FromSnapshot("aaaaaaaaaaaaa.data");
        await Refused.AsAsync(StatusCode.ResourceExhausted, daemon.Controller.CreateVolumeAsync(request));
    }

    [Fact]
    public async Task CreateVolume_SmallerThanItsSource_IsOutOfRange()
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.VolumeContentSource = Requests.FromVolume((await daemon.CreateAsync(size: Gibibyte)).VolumeId);
        request.CapacityRange = new() { LimitBytes = Gibibyte / 2 };
        await Refused.AsAsync(StatusCode.OutOfRange, daemon.Controller.CreateVolumeAsync(request));
    }

    [Fact]
    public async Task CreateVolume_FromAVolume_HasItsDataAndTheLargerSize()
    {
        var source = await daemon.CreateAsync(size: Gibibyte);
        await daemon.UseAsync(source.VolumeId, path => File.WriteAllText(Path.Combine(path, "file"), "content"));
        var clone = await daemon.CreateAsync(size: 2 * Gibibyte, source: Requests.FromVolume(source.VolumeId));
        Assert.Equal(2 * Gibibyte, clone.CapacityBytes);
        Assert.Equal(Requests.FromVolume(source.VolumeId), clone.ContentSource);
        await daemon.UseAsync(clone.VolumeId, path => Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file"))));
    }

    [Fact]
    public async Task CreateVolume_FromASnapshot_HasItsDataAndNotWhatCameLater()
    {
        var source = await daemon.CreateAsync(size: Gibibyte);
        await daemon.UseAsync(source.VolumeId, path => File.WriteAllText(Path.Combine(path, "file"), "before"));
        var snapshot = await daemon.SnapshotAsync(source.VolumeId);
        await daemon.UseAsync(source.VolumeId, path => File.WriteAllText(Path.Combine(path, "file"), "after"));
        var restored = await daemon.CreateAsync(size: 2 * Gibibyte, source: Requests.FromSnapshot(snapshot.SnapshotId));
        Assert.Equal(2 * Gibibyte, restored.CapacityBytes);
        Assert.Equal(Requests.FromSnapshot(snapshot.SnapshotId), restored.ContentSource);
        await daemon.UseAsync(restored.VolumeId, path => Assert.Equal("before", File.ReadAllText(Path.Combine(path, "file"))));
        await daemon.UseAsync(source.VolumeId, path => Assert.Equal("after", File.ReadAllText(Path.Combine(path, "file"))));
    }

    [Fact]
    public async Task CreateVolume_WithoutASizeFromASource_HasTheSourcesSize()
    {
        var source = await daemon.CreateAsync(size: Gibibyte);
        Assert.Equal(Gibibyte, (await daemon.CreateAsync(size: null, source: Requests.FromVolume(source.VolumeId))).CapacityBytes);
    }

    [Fact]
    public async Task CreateVolume_WithOwnerAndMode_HasThem()
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.Parameters.Add(new Dictionary<string, string> { ["pool"] = "default", ["uid"] = "999", ["gid"] = "998", ["mode"] = "2770" });
        var volume = (await daemon.Controller.CreateVolumeAsync(request)).Volume;
        await daemon.UseAsync(volume.VolumeId, path =>
        {
            var status = Lamina.Linux.Files.Stat(path);
            Assert.Equal((999u, 998u, 0x5F8u), (status.Uid, status.Gid, status.Mode));
        });
    }

    [Fact]
    public async Task CreateVolume_WhileTheNameIsLocked_IsAbortedBeforeTheDeadline()
    {
        var name = CsiDaemon.NewName();
        using (await daemon.LockAsync(Storage.Operations.LockKey.Volume(Storage.ObjectKey.FromName(name))))
        {
            await Refused.AsAsync(
                StatusCode.Aborted, daemon.Controller.CreateVolumeAsync(Requests.CreateVolume(name), deadline: CsiDaemon.In(TimeSpan.FromSeconds(2))));
        }
        Assert.NotEmpty((await daemon.CreateAsync(name)).VolumeId);
    }
}
