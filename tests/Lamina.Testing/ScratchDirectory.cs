using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Testing;

/// <summary>A directory for one test, open. It is removed with the scratch root or with its disk.</summary>
public sealed class ScratchDirectory(string path) : IDisposable
{
    /// <summary>One under the scratch root, on whatever filesystem that is.</summary>
    public ScratchDirectory()
        : this(TestScratch.NewDirectory())
    {
    }

    public string Path { get; } = path;

    public SafeFileHandle Handle { get; } = Files.OpenDirectory(path);

    /// <summary>The path of a name in it.</summary>
    public string this[string name] => $"{Path}/{name}";

    /// <summary>Makes a file in it, and opens it for reading and writing.</summary>
    public SafeFileHandle Create(string name, ReadOnlySpan<byte> content = default)
    {
        var file = Files.OpenAt(Handle, name, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, 0x1a4 /* 0644 */);
        Files.WriteAll(file, 0, content);
        return file;
    }

    /// <summary>Makes a file in it.</summary>
    public void Write(string name, string content) => File.WriteAllText(this[name], content);

    /// <summary>Makes a directory in it, and opens it.</summary>
    public SafeFileHandle CreateDirectory(string name)
    {
        Files.MakeDirectory(Handle, name, 0x1ed /* 0755 */);
        return Files.OpenDirectoryAt(Handle, name);
    }

    public void Dispose() => Handle.Dispose();
}
