using Grpc.Core;
using Lamina.Linux;
using Microsoft.Extensions.Logging;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>What is asked of SnapshotMetadata through the real socket, in the embedded default pool: answers in messages, resumed streams, and refusals.</summary>
public sealed class SnapshotMetadataTests(CsiDaemon daemon) : IClassFixture<CsiDaemon>
{
    private const long Size = 16L << 20;
    private const int Block = 4096;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(int.MaxValue)]
    public async Task GetMetadataDelta_CopiedAlone_MakesTheTargetOfTheBase(int most)
    {
        var (older, newer, before, after) = await TwoSnapshotsAsync();

        var messages = await ReadAsync(daemon.SnapshotMetadata.GetMetadataDelta(
            new() { BaseSnapshotId = older, TargetSnapshotId = newer, MaxResults = most }));

        foreach (var range in messages.SelectMany(message => message.BlockMetadata))
            after.AsSpan((int)range.ByteOffset, (int)range.SizeBytes).CopyTo(before.AsSpan((int)range.ByteOffset));
        Assert.True(before.AsSpan().SequenceEqual(after), "what was not told of is the same");
        Assert.All(messages, message => Assert.Equal((Wire.BlockMetadataType.VariableLength, Size), (message.BlockMetadataType, message.VolumeCapacityBytes)));
        Assert.All(messages, message => Assert.InRange(message.BlockMetadata.Count, 1, most == 0 ? int.MaxValue : most));
    }

    [Fact]
    public async Task GetMetadataAllocated_CopiedAlone_MakesTheWholeImage()
    {
        var (_, snapshot, _, content) = await TwoSnapshotsAsync();

        var messages = await ReadAsync(daemon.SnapshotMetadata.GetMetadataAllocated(new() { SnapshotId = snapshot, MaxResults = 3 }));

        var copy = new byte[Size];
        foreach (var range in messages.SelectMany(message => message.BlockMetadata))
            content.AsSpan((int)range.ByteOffset, (int)range.SizeBytes).CopyTo(copy.AsSpan((int)range.ByteOffset));
        Assert.True(copy.AsSpan().SequenceEqual(content), "what was not told of is zeros");
        Assert.All(messages, message => Assert.Equal((Wire.BlockMetadataType.VariableLength, Size), (message.BlockMetadataType, message.VolumeCapacityBytes)));
        Assert.True(messages.Count > 1);
    }

    [Fact]
    public async Task GetMetadataDelta_BrokenOffAndResumed_TellsTheRest()
    {
        var (older, newer, _, _) = await TwoSnapshotsAsync();
        var all = Ranges(await ReadAsync(daemon.SnapshotMetadata.GetMetadataDelta(new() { BaseSnapshotId = older, TargetSnapshotId = newer })));
        List<(long Offset, long Length)> resumed = [];

        for (var from = 0L; ;)
        {
            using var call = daemon.SnapshotMetadata.GetMetadataDelta(
                new() { BaseSnapshotId = older, TargetSnapshotId = newer, StartingOffset = from, MaxResults = 2 });
            Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
            if (call.ResponseStream.Current.BlockMetadata.Count == 0)
                break;
            resumed.AddRange(Ranges([call.ResponseStream.Current]));
            from = resumed[^1].Offset + resumed[^1].Length;
        }

        Assert.Equal(all, resumed);
        Assert.DoesNotContain(daemon.Log.GetSnapshot(), line => line.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task GetMetadataAllocated_OfAnEmptyDevice_TellsItsSize()
    {
        var snapshot = (await daemon.SnapshotAsync(await CreateAsync())).SnapshotId;

        foreach (var from in (long[])[0, Size])
        {
            var message = Assert.Single(await ReadAsync(daemon.SnapshotMetadata.GetMetadataAllocated(new() { SnapshotId = snapshot, StartingOffset = from })));
            Assert.Equal((Wire.BlockMetadataType.VariableLength, Size), (message.BlockMetadataType, message.VolumeCapacityBytes));
            Assert.Empty(message.BlockMetadata);
        }
    }

    [Fact]
    public async Task GetMetadataAllocated_FromWithinABlock_BeginsWithIt()
    {
        var (_, snapshot, _, _) = await TwoSnapshotsAsync();
        var all = Ranges(await ReadAsync(daemon.SnapshotMetadata.GetMetadataAllocated(new() { SnapshotId = snapshot })));

        var some = Ranges(await ReadAsync(daemon.SnapshotMetadata.GetMetadataAllocated(new() { SnapshotId = snapshot, StartingOffset = all[1].Offset + 17 })));

        Assert.Equal(all.Skip(1), some);
    }

    [Theory]
    [InlineData(-1, 0, StatusCode.OutOfRange)]
    [InlineData(long.MinValue, 0, StatusCode.OutOfRange)]
    [InlineData(0, -1, StatusCode.InvalidArgument)]
    [InlineData(0, int.MinValue, StatusCode.InvalidArgument)]
    [InlineData(Size + 1, 0, StatusCode.OutOfRange)]
    [InlineData(long.MaxValue, 0, StatusCode.OutOfRange)]
    public async Task Numbers_OutsideOfWhatThereIs_AreRefused(long from, int most, StatusCode code)
    {
        var volume = await CreateAsync();
        var (older, newer) = ((await daemon.SnapshotAsync(volume)).SnapshotId, (await daemon.SnapshotAsync(volume)).SnapshotId);

        await RefusedAsync(code, daemon.SnapshotMetadata.GetMetadataAllocated(new() { SnapshotId = newer, StartingOffset = from, MaxResults = most }));
        await RefusedAsync(code, daemon.SnapshotMetadata.GetMetadataDelta(
            new() { BaseSnapshotId = older, TargetSnapshotId = newer, StartingOffset = from, MaxResults = most }));
    }

    [Theory]
    [InlineData("", StatusCode.InvalidArgument)]
    [InlineData("some/path", StatusCode.NotFound)]
    [InlineData("../../etc/passwd", StatusCode.NotFound)]
    [InlineData("a\nb", StatusCode.NotFound)]
    public async Task Ids_OfNothing_AreRefused(string id, StatusCode code)
    {
        var snapshot = (await daemon.SnapshotAsync(await CreateAsync())).SnapshotId;

        await RefusedAsync(code, daemon.SnapshotMetadata.GetMetadataAllocated(new() { SnapshotId = id, StartingOffset = -1 }));
        await RefusedAsync(code, daemon.SnapshotMetadata.GetMetadataDelta(new() { BaseSnapshotId = id, TargetSnapshotId = snapshot, MaxResults = -1 }));
        await RefusedAsync(code, daemon.SnapshotMetadata.GetMetadataDelta(new() { BaseSnapshotId = snapshot, TargetSnapshotId = id }));
    }

    [Fact]
    public async Task Ids_TooLongOrOfAVolumeOrDeleted_AreRefused()
    {
        var volume = await CreateAsync();
        var (older, newer) = ((await daemon.SnapshotAsync(volume)).SnapshotId, (await daemon.SnapshotAsync(volume)).SnapshotId);

        await RefusedAsync(StatusCode.InvalidArgument, daemon.SnapshotMetadata.GetMetadataAllocated(new() { SnapshotId = new string('a', 129) }));
        await RefusedAsync(StatusCode.NotFound, daemon.SnapshotMetadata.GetMetadataAllocated(new() { SnapshotId = volume }));
        await daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = older });
        await RefusedAsync(StatusCode.NotFound, daemon.SnapshotMetadata.GetMetadataAllocated(new() { SnapshotId = older }));
        await RefusedAsync(StatusCode.NotFound, daemon.SnapshotMetadata.GetMetadataDelta(new() { BaseSnapshotId = older, TargetSnapshotId = newer }));
    }

    [Fact]
    public async Task GetMetadataDelta_OfSnapshotsThatDoNotFollowOneAnother_IsRefused()
    {
        var (volume, other) = (await CreateAsync(), await CreateAsync());
        var (older, newer) = ((await daemon.SnapshotAsync(volume)).SnapshotId, (await daemon.SnapshotAsync(volume)).SnapshotId);
        var foreign = (await daemon.SnapshotAsync(other)).SnapshotId;

        foreach (var (from, to) in ((string, string)[])[(newer, older), (older, older), (older, foreign)])
            await RefusedAsync(StatusCode.InvalidArgument, daemon.SnapshotMetadata.GetMetadataDelta(new() { BaseSnapshotId = from, TargetSnapshotId = to }));
    }

    [Theory]
    [InlineData("")]
    [InlineData("ext4")]
    public async Task Snapshots_OfMountedVolumes_AreRefusedByName(string fileSystem)
    {
        var volume = (await daemon.Controller.CreateVolumeAsync(new()
        {
            Name = CsiDaemon.NewName(), VolumeCapabilities = { Requests.Mount(fileSystem: fileSystem) }, CapacityRange = new() { RequiredBytes = Size },
        })).Volume.VolumeId;
        var (older, newer) = ((await daemon.SnapshotAsync(volume)).SnapshotId, (await daemon.SnapshotAsync(volume)).SnapshotId);

        var refused = await RefusedAsync(StatusCode.InvalidArgument, daemon.SnapshotMetadata.GetMetadataAllocated(new() { SnapshotId = older }));
        Assert.Contains(older, refused, StringComparison.Ordinal);
        Assert.Contains("block", refused, StringComparison.Ordinal);
        await RefusedAsync(StatusCode.InvalidArgument, daemon.SnapshotMetadata.GetMetadataDelta(new() { BaseSnapshotId = older, TargetSnapshotId = newer }));
    }

    [Fact]
    public async Task Secrets_OfACall_AreNotLogged()
    {
        const string secret = "planted-in-metadata";
        var snapshot = (await daemon.SnapshotAsync(await CreateAsync())).SnapshotId;

        await ReadAsync(daemon.SnapshotMetadata.GetMetadataAllocated(new() { SnapshotId = snapshot, Secrets = { ["key"] = secret } }));
        await RefusedAsync(StatusCode.NotFound, daemon.SnapshotMetadata.GetMetadataDelta(
            new() { BaseSnapshotId = snapshot, TargetSnapshotId = "x", Secrets = { ["key"] = secret } }));

        Assert.Contains(daemon.Log.GetSnapshot(), line => line.Message.Contains($"base_snapshot_id={snapshot}", StringComparison.Ordinal));
        Assert.DoesNotContain(daemon.Log.GetSnapshot(), line => line.Message.Contains(secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Service_WhereNoPoolHasBlockVolumes_IsNotOffered()
    {
        await using var other = await CsiDaemon.StartAsync(CsiPools.Bind(daemon.Kubelet));

        var capabilities = (await other.Identity.GetPluginCapabilitiesAsync(new())).Capabilities;
        Assert.DoesNotContain(capabilities, capability => capability.Service?.Type == Wire.PluginCapability.Types.Service.Types.Type.SnapshotMetadataService);
        await RefusedAsync(StatusCode.Unimplemented, other.SnapshotMetadata.GetMetadataAllocated(new() { SnapshotId = "x" }));
    }

    private static async Task<List<Wire.GetMetadataDeltaResponse>> ReadAsync(AsyncServerStreamingCall<Wire.GetMetadataDeltaResponse> call)
    {
        using (call)
            return await call.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<List<Wire.GetMetadataAllocatedResponse>> ReadAsync(AsyncServerStreamingCall<Wire.GetMetadataAllocatedResponse> call)
    {
        using (call)
            return await call.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<string> RefusedAsync<T>(StatusCode code, AsyncServerStreamingCall<T> call)
    {
        using (call)
        {
            var failure = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
            Assert.True(failure.StatusCode == code, $"{failure.StatusCode}, not {code}: {failure.Status.Detail}");
            Assert.NotEmpty(failure.Status.Detail);
            return failure.Status.Detail;
        }
    }

    private static List<(long Offset, long Length)> Ranges(IEnumerable<Wire.GetMetadataDeltaResponse> messages) =>
        [.. messages.SelectMany(message => message.BlockMetadata).Select(range => (range.ByteOffset, range.SizeBytes))];

    private static List<(long Offset, long Length)> Ranges(IEnumerable<Wire.GetMetadataAllocatedResponse> messages) =>
        [.. messages.SelectMany(message => message.BlockMetadata).Select(range => (range.ByteOffset, range.SizeBytes))];

    private async Task<string> CreateAsync() => (await daemon.Controller.CreateVolumeAsync(new()
    {
        Name = CsiDaemon.NewName(), VolumeCapabilities = { Requests.Block() }, CapacityRange = new() { RequiredBytes = Size, LimitBytes = Size },
    })).Volume.VolumeId;

    private async Task<(string Older, string Newer, byte[] Before, byte[] After)> TwoSnapshotsAsync()
    {
        var volume = await CreateAsync();
        await WriteAsync(volume, 21);
        var older = (await daemon.SnapshotAsync(volume)).SnapshotId;
        await WriteAsync(volume, 22);
        var newer = (await daemon.SnapshotAsync(volume)).SnapshotId;
        return (older, newer, await RestoredAsync(older), await RestoredAsync(newer));
    }

    private Task WriteAsync(string volume, int seed) => UseAsync(volume, device =>
    {
        var random = new Random(seed);
        var content = new byte[Block];
        for (var i = 0; i < 60; i++)
        {
            random.NextBytes(content);
            Files.WriteAll(device, random.NextInt64(Size / Block) * Block, content);
        }
    });

    // As a program sees it that backs up: by a volume made from the snapshot.
    private async Task<byte[]> RestoredAsync(string snapshot)
    {
        var volume = (await daemon.Controller.CreateVolumeAsync(new()
        {
            Name = CsiDaemon.NewName(),
            VolumeCapabilities = { Requests.Block() },
            CapacityRange = new() { RequiredBytes = Size },
            VolumeContentSource = Requests.FromSnapshot(snapshot),
        })).Volume.VolumeId;
        var content = new byte[Size];
        await UseAsync(volume, device => Assert.Equal(content.Length, Files.Read(device, 0, content)));
        return content;
    }

    private async Task UseAsync(string volume, Action<Microsoft.Win32.SafeHandles.SafeFileHandle> use)
    {
        var staging = await daemon.StageAsync(volume, Requests.Block());
        var target = await daemon.PublishAsync(volume, staging, Requests.Block());
        using (var device = Files.Open(target, OpenFlags.ReadWrite))
            use(device);
        await daemon.UnpublishAsync(volume, target);
        await daemon.UnstageAsync(volume, staging);
    }
}
