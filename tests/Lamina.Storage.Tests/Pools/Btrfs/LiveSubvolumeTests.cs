using System.Buffers.Binary;
using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Storage.Tests.Pools.Overlay;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Btrfs;

/// <summary>Snapshots and clones of a volume that others write to, without stopping anybody.</summary>
[Collection<BtrfsCollection>]
public sealed class LiveSubvolumeTests(BtrfsFileSystem fileSystem) : IAsyncLifetime
{
    private const int Cuts = 12;
    private DirectoryScratchPool _pool = null!;

    public async ValueTask InitializeAsync() => _pool = await DirectoryScratchPool.CreateAsync(PoolBackend.Btrfs, fileSystem.NewDirectory("pool"));

    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Copy_UnderAWriterThatFlushes_IsOneWritePoint(bool isClone)
    {
        var volume = await _pool.CreateAsync("a");
        var mounted = await _pool.AttachAsync(volume);
        using var writer = await WorkloadProcess.StartAsync("commits", mounted.Path);
        for (var cut = 0; cut < Cuts; cut++)
        {
            var before = Commits(mounted.Path);
            var copy = await CopyAsync(volume, cut, isClone);
            var after = Commits(mounted.Path);

            var found = await ReadAsync(copy, Commits);
            Assert.True(found.Zip(found.Skip(1)).All(pair => pair.First >= pair.Second) && found[0] - found[^1] <= 1, $"cut {cut}: {string.Join(", ", found)}");
            Assert.True(found[^1] >= before[^1] && found[0] <= after[0], $"cut {cut}: {string.Join(", ", found)}, from {before[^1]} to {after[0]}");
        }
        await writer.EndAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Copy_UnderAWriterThatNeverFlushes_HasAllThatWasWrittenBefore(bool isClone)
    {
        var volume = await _pool.CreateAsync("a");
        var mounted = await _pool.AttachAsync(volume);
        using var writer = await WorkloadProcess.StartAsync("numbers", mounted.Path);
        for (var cut = 0; cut < Cuts; cut++)
        {
            var before = Numbers.Read(mounted.Path).D;
            var copy = await CopyAsync(volume, cut, isClone);
            var after = Numbers.Read(mounted.Path).A;

            var found = await ReadAsync(copy, Numbers.Read);
            Assert.All([found.A, found.B, found.C, found.D], number => Assert.True(number >= before && number <= after + 1, $"cut {cut}: {found}, from {before} to {after}"));
        }
        await writer.EndAsync();
    }

    private async Task<Volume> CopyAsync(Volume volume, int cut, bool isClone) =>
        isClone ? await _pool.CloneAsync(volume, $"copy{cut}") : await _pool.RestoreAsync(await _pool.SnapshotAsync(volume, $"s{cut}"), $"copy{cut}");

    private async Task<T> ReadAsync<T>(Volume copy, Func<string, T> read)
    {
        var found = default(T)!;
        await _pool.UseAsync(copy, mounted => found = read(mounted.Path));
        return found;
    }

    private static List<long> Commits(string directory) => [.. "abcd".Select(name => Read(Path.Combine(directory, name.ToString())))];

    private static long Read(string path)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly);
        Span<byte> bytes = stackalloc byte[8];
        return Files.Read(file, 0, bytes) == 8 ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : 0;
    }
}
