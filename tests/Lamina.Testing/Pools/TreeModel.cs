using System.Globalization;

namespace Lamina.Testing.Pools;

/// <summary>A tree of files as plain text in memory: files with their content, directories with none.</summary>
public sealed class TreeModel
{
    private static readonly string[] s_names = ["a", "b", "c"];
    private static readonly EnumerationOptions s_everything = new() { RecurseSubdirectories = true, AttributesToSkip = 0 };
    private readonly SortedDictionary<string, string?> _entries;

    /// <summary>An empty tree.</summary>
    public TreeModel()
        : this(new Dictionary<string, string?>())
    {
    }

    private TreeModel(IDictionary<string, string?> entries) => _entries = new SortedDictionary<string, string?>(entries, StringComparer.Ordinal);

    /// <summary>The tree at a path.</summary>
    public static TreeModel Read(string root) => new(Directory.EnumerateFileSystemEntries(root, "*", s_everything).ToDictionary(
        path => Path.GetRelativePath(root, path), path => Directory.Exists(path) ? null : File.ReadAllText(path)));

    /// <summary>The same tree, to change by itself.</summary>
    public TreeModel Copy() => new(_entries);

    /// <summary>Writes a file, here and at a path where the same tree is.</summary>
    public void Write(string name, string text, string root)
    {
        File.WriteAllText(Path.Combine(root, name), text);
        _entries[name] = text;
    }

    /// <summary>Changes something, here and at a path where the same tree is.</summary>
    public void ChangeSomething(Random random, string root)
    {
        var directories = _entries.Where(entry => entry.Value is null).Select(entry => entry.Key).Prepend("").ToList();
        var path = Path.Combine(directories[random.Next(directories.Count)], s_names[random.Next(s_names.Length)]);
        var exists = _entries.TryGetValue(path, out var content);
        var isDirectory = exists && content is null;
        switch (random.Next(6))
        {
            case 0 when !exists:
                Directory.CreateDirectory(Path.Combine(root, path));
                _entries[path] = null;
                break;
            case 1 when exists:
                Remove(path, root);
                break;
            case 2 when exists:
                Rename(path, s_names[random.Next(s_names.Length)] + random.Next(3).ToString(CultureInfo.InvariantCulture), root);
                break;
            case 3 when exists && !isDirectory:
                File.AppendAllText(Path.Combine(root, path), "+");
                _entries[path] += "+";
                break;
            default:
                if (isDirectory)
                    break;
                var text = random.Next().ToString(CultureInfo.InvariantCulture);
                File.WriteAllText(Path.Combine(root, path), text);
                _entries[path] = text;
                break;
        }
    }

    /// <summary>The tree as text, to be compared.</summary>
    public override string ToString() => string.Join('\n', _entries.Select(entry => entry.Value is null ? entry.Key + "/" : $"{entry.Key}: {entry.Value}"));

    private IEnumerable<string> Below(string path) => _entries.Keys.Where(key => key.StartsWith(path + "/", StringComparison.Ordinal));

    // From the bottom up, as a recursive delete is one of many steps on every filesystem.
    private void Remove(string path, string root)
    {
        foreach (var name in Below(path).Reverse().Append(path).ToList())
        {
            if (_entries[name] is null)
                Directory.Delete(Path.Combine(root, name));
            else
                File.Delete(Path.Combine(root, name));
            _entries.Remove(name);
        }
    }

    private void Rename(string path, string name, string root)
    {
        var target = Path.Combine(Path.GetDirectoryName(path)!, name);
        if (_entries.ContainsKey(target))
            return;
        if (_entries[path] is null)
            Directory.Move(Path.Combine(root, path), Path.Combine(root, target));
        else
            File.Move(Path.Combine(root, path), Path.Combine(root, target));
        foreach (var moved in Below(path).Prepend(path).ToList())
        {
            _entries[target + moved[path.Length..]] = _entries[moved];
            _entries.Remove(moved);
        }
    }
}
