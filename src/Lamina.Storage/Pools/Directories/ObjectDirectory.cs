using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Directories;

/// <summary>
/// The objects of one sort in a pool directory, <c>volumes/</c> or <c>snapshots/</c>: a directory each, named by the key, with a
/// <c>record.json</c> and whatever data the backend keeps beside it. In memory too, once loaded.
/// </summary>
internal sealed class ObjectDirectory<TRecord> : IDisposable
    where TRecord : class, IPoolRecord
{
    private const string RecordFile = "record.json";
    private readonly PoolDirectory _pool;
    private readonly string _name;
    // Made with the first record, as what it knows of all the types in it takes a megabyte.
    private readonly Func<JsonTypeInfo<TRecord>> _json;
    private readonly SafeFileHandle _directory;
    private readonly ConcurrentDictionary<ObjectKey, TRecord> _records = [];

    internal ObjectDirectory(PoolDirectory pool, string name, Func<JsonTypeInfo<TRecord>> json)
    {
        _pool = pool;
        _name = name;
        _json = json;
        _directory = Files.OpenDirectoryAt(pool.Root, name);
    }

    /// <summary>Every readable record.</summary>
    internal ICollection<TRecord> Records => _records.Values;

    /// <summary>The record with that key, or null.</summary>
    internal TRecord? Find(ObjectKey key) => _records.GetValueOrDefault(key);

    /// <summary>The record with that key, which the caller knows to exist.</summary>
    internal TRecord Get(ObjectKey key) =>
        Find(key) ?? throw new StorageException(StorageError.NotFound, $"there is no '{_name}/{key}' in the pool at {_pool.Path}");

    /// <summary>Refuses a key that is taken on the disk, even by an object whose record can't be read.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.AlreadyExists"/>.</exception>
    internal void CheckFree(ObjectKey key)
    {
        if (Files.TryStatAt(_directory, key.ToString()) is not null)
            throw AlreadyExists(key);
    }

    /// <summary>The path of an object's directory.</summary>
    internal string PathOf(ObjectKey key) => Path.Combine(_pool.Path, _name, key.ToString());

    /// <summary>Opens an object's directory.</summary>
    internal SafeFileHandle Open(ObjectKey key) => Files.OpenDirectoryAt(_directory, key.ToString());

    /// <summary>Reads all records, on all processors.</summary>
    /// <returns>Those that can't be read, with the reason.</returns>
    internal ImmutableList<UnreadableRecord> Load(CancellationToken cancellationToken)
    {
        var unreadable = new ConcurrentBag<UnreadableRecord>();
        Parallel.ForEach(
            Files.List(_directory),
            new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount },
            entry =>
            {
                if (!ObjectKey.TryParse(entry.Name, out var key))
                    unreadable.Add(Unreadable(entry.Name, null, $"its name is not {ObjectKey.Grammar}"));
                else if (TryRead(key, out var record, out var reason))
                    _records[key] = record;
                else
                    unreadable.Add(Unreadable(entry.Name, key, reason));
            });
        return [.. unreadable.OrderBy(record => record.Path, StringComparer.Ordinal)];
    }

    /// <summary>
    /// Makes a staged object appear: record and all that came before it durable first, then one rename, then that durable.
    /// </summary>
    /// <param name="staging">The object, built under <c>incoming/</c>.</param>
    /// <param name="record">Its record.</param>
    /// <exception cref="StorageException"><see cref="StorageError.AlreadyExists"/>: the key is taken.</exception>
    internal void Publish(StagedObject staging, TRecord record)
    {
        DurableFile.Create(staging.Directory, RecordFile, JsonSerializer.SerializeToUtf8Bytes(record, _json()), 0x180);
        _pool.FlushBefore();
        try
        {
            staging.MoveTo(_directory, record.Key.ToString());
        }
        catch (LinuxException e) when (e.Errno is Errno.EEXIST)
        {
            throw AlreadyExists(record.Key, e);
        }
        try
        {
            Files.Flush(_directory);
        }
        catch (LinuxException)
        {
            // Not answered, so it must not be there either. If it can't be taken away again it stays known, and so do the layers that it names.
            _records[record.Key] = record;
            Discard(record.Key);
            throw;
        }
        _records[record.Key] = record;
    }

    /// <summary>Makes a staged object appear in the place of the one with its key, which goes to the trash with the scope of the staged one: as durable, and in one step.</summary>
    /// <param name="staging">The object, built under <c>incoming/</c>.</param>
    /// <param name="record">Its record.</param>
    internal void PublishInPlace(StagedObject staging, TRecord record)
    {
        var old = Get(record.Key);
        DurableFile.Create(staging.Directory, RecordFile, JsonSerializer.SerializeToUtf8Bytes(record, _json()), 0x180);
        _pool.FlushBefore();
        staging.ExchangeWith(_directory, record.Key.ToString());
        try
        {
            Files.Flush(_directory);
        }
        catch (LinuxException)
        {
            // Not answered, so it must not be so. If it can't be taken back, what is there is what is known.
            _records[record.Key] = record;
            staging.ExchangeWith(_directory, record.Key.ToString());
            _records[record.Key] = old;
            throw;
        }
        _records[record.Key] = record;
    }

    /// <summary>Replaces an object's record, durably. What it names anew is durable already: see <see cref="PoolDirectory.FlushBefore"/>.</summary>
    internal void Replace(TRecord record)
    {
        using var directory = Open(record.Key);
        DurableFile.Replace(directory, RecordFile, JsonSerializer.SerializeToUtf8Bytes(record, _json()), 0x180);
        _records[record.Key] = record;
    }

    /// <summary>Knows a record from now on that the disk has already, after a <see cref="Replace"/> that failed when it was through.</summary>
    internal void Know(TRecord record) => _records[record.Key] = record;

    /// <summary>
    /// The record as it can be read now: after a <see cref="Replace"/> that failed the old one, if it failed before the rename, or the new one, which a
    /// crash may still undo. Null when it can't be read.
    /// </summary>
    internal TRecord? ReadAgain(ObjectKey key) => TryRead(key, out var record, out _) ? record : null;

    /// <summary>Makes an object disappear, durably, by one rename into the trash. May be called again after a failure.</summary>
    internal void Discard(ObjectKey key)
    {
        // In the trash already where the flush has failed before. Until that is done the record is known, or it could be made anew beside itself.
        if (Files.TryStatAt(_directory, key.ToString()) is not null)
            _pool.Discard(_directory, key.ToString());
        Files.Flush(_directory);
        _records.TryRemove(key, out _);
    }

    /// <inheritdoc/>
    public void Dispose() => _directory.Dispose();

    private bool TryRead(ObjectKey key, [NotNullWhen(true)] out TRecord? record, [NotNullWhen(false)] out string? reason)
    {
        record = null;
        try
        {
            using var directory = Open(key);
            var json = Files.TryReadAllAt(directory, RecordFile);
            if (json is null)
            {
                reason = $"it has no {RecordFile}";
                return false;
            }
            var format = JsonSerializer.Deserialize(json, PoolIdentityJson.Default.FormatVersion)?.Format;
            if (format != PoolDirectory.Format)
            {
                reason = $"it has format version {format}, and this daemon knows only {PoolDirectory.Format}";
                return false;
            }
            var read = JsonSerializer.Deserialize(json, _json())!;
            reason = read.Key != key ? $"it says that its key is {read.Key}"
                : read.Pool != _pool.Identity.Id ? $"it says that it belongs to pool {read.Pool}"
                : read.Flaw;
            record = reason is null ? read : null;
            return record is not null;
        }
        catch (Exception e)
        {
            // Values refuse what they can't be in their own ways. Whatever it is, the record can't be read.
            reason = e.Message;
            return false;
        }
    }

    private StorageException AlreadyExists(ObjectKey key, Exception? inner = null) =>
        new(StorageError.AlreadyExists, $"'{_name}/{key}' exists already in the pool at {_pool.Path}", inner);

    private UnreadableRecord Unreadable(string name, ObjectKey? key, string reason) =>
        new($"{_name}/{name}", _name.EndsWith("snapshots", StringComparison.Ordinal), key, reason);
}
