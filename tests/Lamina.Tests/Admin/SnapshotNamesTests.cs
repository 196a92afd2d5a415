using Lamina.Admin;
using Lamina.Storage;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Admin;

public sealed class SnapshotNamesTests
{
    private static readonly Volume Volume = new()
    {
        Id = new VolumeId(PoolId.NewRandom(), ObjectKey.FromName("data")),
        Name = "data",
        Door = Door.Cli,
        CreatedAt = DateTimeOffset.UnixEpoch,
    };

    [Fact]
    public void Next_AtOneMoment_IsNeverTheSameName()
    {
        var names = new SnapshotNames(new Catalog(), new FakeTimeProvider(DateTimeOffset.UnixEpoch));

        Assert.Equal(["data-19700101-000000-000", "data-19700101-000000-001"], [names.Next(Volume), names.Next(Volume)]);
    }

    [Fact]
    public void Next_NameTakenBeforeARestart_IsLeftOut()
    {
        var catalog = new Catalog();
        var taken = new SnapshotNames(catalog, new FakeTimeProvider(DateTimeOffset.UnixEpoch)).Next(Volume);
        catalog.Put(new Snapshot
        {
            Id = new SnapshotId(Volume.Id.Pool, ObjectKey.FromName(taken)),
            Name = taken,
            SourceVolume = Volume.Id,
            Door = Door.Cli,
            CreatedAt = DateTimeOffset.UnixEpoch,
        });

        Assert.Equal("data-19700101-000000-001", new SnapshotNames(catalog, new FakeTimeProvider(DateTimeOffset.UnixEpoch)).Next(Volume));
    }
}
