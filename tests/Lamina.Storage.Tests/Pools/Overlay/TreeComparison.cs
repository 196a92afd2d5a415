using System.Globalization;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Tests.Pools.Overlay;

/// <summary>Tells in what two trees differ, as they lie on the disk: everything but access times and times of change.</summary>
internal sealed class TreeComparison
{
    private readonly List<string> _differences = [];
    private readonly Dictionary<ulong, ulong> _inodes = [];

    /// <summary>All differences, in words.</summary>
    internal static IReadOnlyList<string> Run(string expected, string actual)
    {
        using var left = Files.OpenDirectory(expected);
        using var right = Files.OpenDirectory(actual);
        var comparison = new TreeComparison();
        comparison.CompareEntry("/", Files.Stat(left), Files.Stat(right));
        comparison.CompareAttributes("/", Attributes(left), Attributes(right));
        comparison.CompareDirectory("", left, right);
        return comparison._differences;
    }

    private void CompareDirectory(string path, SafeFileHandle left, SafeFileHandle right)
    {
        var expected = Files.List(left).Select(entry => entry.Name).Order(StringComparer.Ordinal).ToList();
        var actual = Files.List(right).Select(entry => entry.Name).Order(StringComparer.Ordinal).ToList();
        _differences.AddRange(expected.Except(actual).Select(name => $"{path}/{name} is missing"));
        _differences.AddRange(actual.Except(expected).Select(name => $"{path}/{name} should not be there"));
        foreach (var name in expected.Intersect(actual))
        {
            var child = $"{path}/{name}";
            var (one, other) = (Files.StatAt(left, name), Files.StatAt(right, name));
            CompareEntry(child, one, other);
            CompareAttributes(child, Attributes(left, name), Attributes(right, name));
            if (one.Kind != other.Kind)
                continue;
            if (one.Kind == FileKind.Directory)
            {
                using var leftChild = Files.OpenDirectoryAt(left, name);
                using var rightChild = Files.OpenDirectoryAt(right, name);
                CompareDirectory(child, leftChild, rightChild);
            }
            else if (one.Kind == FileKind.SymbolicLink)
            {
                Compare(child, "leads to", Files.ReadLink(left, name), Files.ReadLink(right, name));
            }
            else if (one.Kind == FileKind.Regular && !Files.TryReadAllAt(left, name)!.AsSpan().SequenceEqual(Files.TryReadAllAt(right, name)))
            {
                _differences.Add($"{child} has other content");
            }
        }
    }

    private void CompareEntry(string path, FileStatus expected, FileStatus actual)
    {
        Compare(path, "is", expected.Kind, actual.Kind);
        Compare(path, "has mode", Convert.ToString(expected.Mode, 8), Convert.ToString(actual.Mode, 8));
        Compare(path, "belongs to", (expected.Uid, expected.Gid), (actual.Uid, actual.Gid));
        Compare(path, "was modified", expected.Modified, actual.Modified);
        if (expected.Kind == FileKind.Directory)
            return;
        Compare(path, "has size", expected.Size, actual.Size);
        Compare(path, "is device", expected.RepresentedDevice, actual.RepresentedDevice);
        // A whiteout has another name in the mount's work directory, to be linked again.
        if (expected is not { Kind: FileKind.CharacterDevice, RepresentedDevice: 0 })
            Compare(path, "has names", expected.Links, actual.Links);
        if (!_inodes.TryAdd(expected.Inode, actual.Inode))
            Compare(path, "is the same file as another name, inode", _inodes[expected.Inode], actual.Inode);
    }

    private void CompareAttributes(string path, IReadOnlyList<string> expected, IReadOnlyList<string> actual) =>
        Compare(path, "has attributes", string.Join("; ", expected), string.Join("; ", actual));

    private void Compare<T>(string path, string what, T expected, T actual)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            _differences.Add(string.Create(CultureInfo.InvariantCulture, $"{path} {what} {expected}, not {actual}"));
    }

    private static List<string> Attributes(SafeFileHandle directory, string name) =>
        [.. ExtendedAttributes.List(directory, name).Order(StringComparer.Ordinal)
            .Select(attribute => $"{attribute}={Convert.ToHexString(ExtendedAttributes.Get(directory, name, attribute)!)}")];

    private static List<string> Attributes(SafeFileHandle handle) =>
        [.. ExtendedAttributes.List(handle).Order(StringComparer.Ordinal)
            .Select(attribute => $"{attribute}={Convert.ToHexString(ExtendedAttributes.Get(handle, attribute)!)}")];
}
