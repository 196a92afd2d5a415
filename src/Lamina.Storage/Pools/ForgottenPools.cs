using System.Collections.Immutable;
using Lamina.Linux;

namespace Lamina.Storage.Pools;

/// <summary>The ids of pools that the administrator declared gone for good, kept in a file with one id a line.</summary>
public sealed class ForgottenPools
{
    private const string FileName = "forgotten-pools";
    private readonly string _directory;
    private readonly Lock _writing = new();
    private ImmutableHashSet<PoolId> _ids;

    /// <param name="stateDirectory">Where the file lies; made when the first pool is forgotten.</param>
    /// <exception cref="StorageException"><see cref="StorageError.DataLoss"/>: the file can't be understood.</exception>
    public ForgottenPools(string stateDirectory)
    {
        _directory = stateDirectory;
        Path = System.IO.Path.Combine(stateDirectory, FileName);
        _ids = File.Exists(Path)
            ? [.. File.ReadAllLines(Path).Where(line => line.Length > 0).Select(line => PoolId.TryParse(line, out var id)
                ? id
                : throw new StorageException(StorageError.DataLoss, $"{Path} holds '{line}', which is not {PoolId.Grammar}"))]
            : [];
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>All of them.</summary>
    public IReadOnlyCollection<PoolId> Ids => _ids;

    /// <summary>Whether the pool was forgotten.</summary>
    public bool Contains(PoolId id) => _ids.Contains(id);

    /// <summary>Forgets a pool, durably.</summary>
    public void Add(PoolId id)
    {
        lock (_writing)
        {
            var ids = _ids.Add(id);
            Directory.CreateDirectory(_directory);
            using var directory = Files.OpenDirectory(_directory);
            DurableFile.Replace(directory, FileName, System.Text.Encoding.ASCII.GetBytes(string.Concat(ids.Select(known => known + "\n"))), 0x180);
            _ids = ids;
        }
    }
}
