using System.Globalization;
using System.Text.Json.Nodes;

namespace Lamina.Tests.Cluster;

/// <summary>The objects of a fake API server, with versions, and the changes that watches are told as far as they are not forgotten.</summary>
internal sealed class ApiStore
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, JsonObject> _objects = new(StringComparer.Ordinal);
    private readonly List<ApiChange> _changes = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _revision = 100;
    private long _forgotten;

    internal JsonObject? Find(string collection, string @namespace, string name)
    {
        lock (_lock)
            return _objects.GetValueOrDefault($"{collection}/{@namespace}/{name}")?.DeepClone().AsObject();
    }

    /// <summary>The objects of a collection, of one namespace or all, and the version of the whole.</summary>
    internal (List<JsonObject> Items, long Revision) List(string collection, string @namespace)
    {
        lock (_lock)
        {
            var prefix = @namespace.Length > 0 ? $"{collection}/{@namespace}/" : $"{collection}/";
            return ([.. _objects.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(pair => pair.Value.DeepClone().AsObject())], _revision);
        }
    }

    /// <summary>Makes an object or changes it.</summary>
    /// <param name="collection">Where it lies.</param>
    /// <param name="namespace">Where it lies.</param>
    /// <param name="name">Its name.</param>
    /// <param name="change">From what is there, if anything is, to what shall be; null: no change.</param>
    internal JsonObject? Put(string collection, string @namespace, string name, Func<JsonObject?, JsonObject?> change)
    {
        lock (_lock)
        {
            var key = $"{collection}/{@namespace}/{name}";
            var before = _objects.GetValueOrDefault(key);
            if (change(before?.DeepClone().AsObject()) is not { } after)
                return null;
            var metadata = after["metadata"]!.AsObject();
            metadata["name"] = name;
            if (@namespace.Length > 0)
                metadata["namespace"] = @namespace;
            metadata["uid"] = (string?)before?["metadata"]!["uid"] ?? Guid.NewGuid().ToString();
            metadata["resourceVersion"] = Text(_revision + 1);
            _objects[key] = after;
            if (IsOver(metadata))
                return Remove(key, collection);
            Tell(before is null ? "ADDED" : "MODIFIED", collection, after);
            return after.DeepClone().AsObject();
        }
    }

    /// <summary>Deletes an object; one with finalizers stays, marked, until they are gone.</summary>
    internal JsonObject? Delete(string collection, string @namespace, string name)
    {
        lock (_lock)
        {
            var key = $"{collection}/{@namespace}/{name}";
            if (!_objects.TryGetValue(key, out var found))
                return null;
            var metadata = found["metadata"]!.AsObject();
            metadata["deletionTimestamp"] ??= "2026-01-01T00:00:00Z";
            if (IsOver(metadata))
                return Remove(key, collection);
            metadata["resourceVersion"] = Text(_revision + 1);
            Tell("MODIFIED", collection, found);
            return found.DeepClone().AsObject();
        }
    }

    /// <summary>Tells the watches of a collection how far they are.</summary>
    internal long Bookmark(string collection, string kind)
    {
        lock (_lock)
        {
            Tell("BOOKMARK", collection, new JsonObject { ["apiVersion"] = "v1", ["kind"] = kind, ["metadata"] = new JsonObject { ["resourceVersion"] = Text(_revision + 1) } });
            return _revision;
        }
    }

    /// <summary>Whether no watch can begin at a version any more.</summary>
    internal bool HasForgotten(long revision)
    {
        lock (_lock)
            return revision < _forgotten;
    }

    /// <summary>Forgets all changes: no watch can go on from a version before this one.</summary>
    internal void Compact()
    {
        lock (_lock)
            (_forgotten, _) = (_revision, _changes.RemoveAll(_ => true));
    }

    /// <summary>What a watch is told next, and what ends when there is more.</summary>
    internal (List<ApiChange> Changes, Task More) After(long revision, string collection)
    {
        lock (_lock)
            return ([.. _changes.Where(change => change.Revision > revision && change.Collection == collection)], _changed.Task);
    }

    private static bool IsOver(JsonObject metadata) => metadata["deletionTimestamp"] is not null && metadata["finalizers"] is not JsonArray { Count: > 0 };

    private JsonObject Remove(string key, string collection)
    {
        _objects.Remove(key, out var gone);
        gone!["metadata"]!["resourceVersion"] = Text(_revision + 1);
        Tell("DELETED", collection, gone);
        return gone;
    }

    internal static string Text(long revision) => revision.ToString(CultureInfo.InvariantCulture);

    private void Tell(string type, string collection, JsonObject @object)
    {
        _changes.Add(new ApiChange(++_revision, type, collection, @object.DeepClone().AsObject()));
        var changed = _changed;
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.SetResult();
    }
}
