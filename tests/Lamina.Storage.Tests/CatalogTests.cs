namespace Lamina.Storage.Tests;

public sealed class CatalogTests
{
    private readonly PoolId _pool = PoolId.NewRandom();
    private readonly Catalog _catalog = new();

    [Fact]
    public void Volumes_AfterOneThatIsGone_ContinueBehindItsPlace()
    {
        foreach (var name in (string[])["a", "b", "c", "d"])
            _catalog.Put(NewVolume(name, 1));
        var after = new VolumeId(_pool, ObjectKey.FromName("b"));
        _catalog.Remove(after);
        Assert.Equal(["c", "d"], _catalog.Volumes(after).Select(volume => volume.Name));
    }

    [Fact]
    public void PromisedBy_PutReplaceRemove_IsTheSumOfSizes()
    {
        _catalog.Put(NewVolume("a", 10));
        _catalog.Put(NewVolume("b", 5));
        _catalog.Put(NewVolume("a", 20));
        Assert.Equal(25, _catalog.PromisedBy(_pool).Bytes);
        _catalog.Remove(new VolumeId(_pool, ObjectKey.FromName("a")));
        Assert.Equal(5, _catalog.PromisedBy(_pool).Bytes);
    }

    [Fact]
    public void FindVolume_KeyInSeveralPools_IsRefusedUntilOneIsLeft()
    {
        var volumes = Enumerable.Range(0, 3).Select(_ => NewVolume("a", 1) with { Id = new VolumeId(PoolId.NewRandom(), ObjectKey.FromName("a")) }).ToList();
        _catalog.Put(NewVolume("b", 1));
        foreach (var volume in volumes)
            _catalog.Add(volume.Id.Pool, new([volume], [], []));

        var refused = Assert.Throws<StorageException>(() => _catalog.FindVolume(ObjectKey.FromName("a")));
        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.All(volumes, volume => Assert.Contains(volume.Id.ToString(), refused.Message, StringComparison.Ordinal));
        Assert.All(volumes, volume => Assert.Equal(volume, _catalog.Find(volume.Id)));
        Assert.All(volumes, volume => Assert.Single(_catalog.NamesSharedBy(volume.Id.Pool)));
        Assert.Empty(_catalog.NamesSharedBy(_pool));
        Assert.Equal("b", _catalog.FindVolume(ObjectKey.FromName("b"))!.Name);

        _catalog.Remove(volumes[0].Id.Pool);
        Assert.Throws<StorageException>(() => _catalog.FindVolume(ObjectKey.FromName("a")));
        _catalog.Remove(volumes[2].Id);
        Assert.Equal(volumes[1], _catalog.FindVolume(ObjectKey.FromName("a")));
        Assert.Empty(_catalog.NamesSharedBy(volumes[1].Id.Pool));
    }

    [Fact]
    public void FindVolume_KeyInTwoPools_IsTakenOverByTheOtherWhenOneGoes()
    {
        var other = NewVolume("a", 1) with { Id = new VolumeId(PoolId.NewRandom(), ObjectKey.FromName("a")) };
        _catalog.Put(other);
        _catalog.Put(NewVolume("a", 1));
        _catalog.Remove(new VolumeId(_pool, ObjectKey.FromName("a")));
        Assert.Equal(other, _catalog.FindVolume(ObjectKey.FromName("a")));
    }

    [Fact]
    public void PromisedBy_MoreThanANumberHolds_IsTheLargestSizeAndComesBack()
    {
        _catalog.Add(_pool, new([NewVolume("a", long.MaxValue), NewVolume("b", long.MaxValue)], [], []));
        Assert.Equal(long.MaxValue, _catalog.PromisedBy(_pool).Bytes);
        _catalog.Remove(new VolumeId(_pool, ObjectKey.FromName("a")));
        _catalog.Remove(new VolumeId(_pool, ObjectKey.FromName("b")));
        Assert.Equal(0, _catalog.PromisedBy(_pool).Bytes);
    }

    private Volume NewVolume(string name, long size) => new()
    {
        Id = new VolumeId(_pool, ObjectKey.FromName(name)),
        Name = name,
        Size = new ByteSize(size),
        Door = Door.Cli,
        CreatedAt = DateTimeOffset.UnixEpoch,
    };
}
