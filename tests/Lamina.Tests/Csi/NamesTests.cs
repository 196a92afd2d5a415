namespace Lamina.Tests.Csi;

[Collection<CsiCollection>]
public sealed class NamesTests(CsiDaemon daemon)
{
    private static readonly string[] Names =
    [
        "a/b", "a//b", "..", ".", "../../../../tmp/lamina-escaped", "/etc/passwd", " two  words ", "with\ttab and\nnew line", "🦙 in the ☁️", "ünïcode", "e\u0301", "\u00e9",
        "Case", "case", "CASE", "-dash", "_under", "dots.in.it", "pool.key", "%2e%2e%2f", "a,b:c\\d", "$(reboot)", new string('x', 128), new string('X', 128), new string('ä', 64),
    ];

    [Fact]
    public async Task Names_OfEverySort_GiveVolumesOfTheirOwnThatHoldData()
    {
        var ids = new List<string>();
        foreach (var name in Names)
        {
            var volume = await daemon.CreateAsync(name);
            Assert.InRange(volume.VolumeId.Length, 1, 128);
            Assert.DoesNotContain('/', volume.VolumeId);
            Assert.Equal(volume, await daemon.CreateAsync(name));
            await daemon.UseAsync(volume.VolumeId, path => File.WriteAllText(Path.Combine(path, "name"), name));
            ids.Add(volume.VolumeId);
        }
        Assert.Equal(Names.Length, ids.Distinct(StringComparer.OrdinalIgnoreCase).Count());

        foreach (var (name, id) in Names.Zip(ids))
        {
            await daemon.UseAsync(id, path => Assert.Equal(name, File.ReadAllText(Path.Combine(path, "name"))));
            await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = id });
        }
        Assert.False(Path.Exists("/tmp/lamina-escaped"));
    }

    [Fact]
    public async Task Names_OfSnapshots_AreTheirOwnToo()
    {
        var volume = await daemon.CreateAsync();
        var ids = new List<string>();
        foreach (var name in (string[])["s/../x", "S/../x", "📸", new string('s', 128)])
            ids.Add((await daemon.SnapshotAsync(volume.VolumeId, name)).SnapshotId);
        Assert.Equal(4, ids.Distinct().Count());
        foreach (var id in ids)
            await daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = id });
    }
}
