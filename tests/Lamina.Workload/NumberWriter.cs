using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Workload;

/// <summary>
/// Writes 1, 2, 3, ... to several files, each number to all of them in order before the next: by a write to <c>a</c>, a store into the mapped
/// <c>b</c>, a write far into <c>sub/c</c>, a store into the mapped <c>d</c>, and now and then a file <c>e</c> that is replaced by a rename.
/// Nothing is flushed. At any moment a &gt;= b &gt;= c &gt;= d, and a - d is at most 1.
/// </summary>
internal sealed class NumberWriter(string directory)
{
    // Where in c and d the number is: beyond a hole, and not in the first page.
    private const int FarOffset = 1024 * 1024;
    private const int ReplaceEvery = 256;

    internal void Run(Func<bool> stopping)
    {
        Directory.CreateDirectory(Path.Combine(directory, "sub"));
        using var a = Open("a");
        using var b = Map("b", 8);
        using var c = Open("sub/c");
        using var d = Map("d", FarOffset + 8);
        using var handle = Files.OpenDirectory(directory);
        Span<byte> bytes = stackalloc byte[8];
        for (var number = 1L; !stopping(); number++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
            Files.WriteAll(a, 0, bytes);
            b.Write(0, number);
            Files.WriteAll(c, FarOffset, bytes);
            d.Write(FarOffset, number);
            if (number % ReplaceEvery == 0)
            {
                using (var e = Files.OpenAt(handle, "e.new", OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate, 0x1a4))
                    Files.WriteAll(e, 0, bytes);
                Files.Rename(handle, "e.new", handle, "e");
            }
            if (number == ReplaceEvery)
                Work.Ready();
        }
    }

    private SafeFileHandle Open(string name) => Files.Open(Path.Combine(directory, name), OpenFlags.ReadWrite | OpenFlags.Create, 0x1a4);

    private MemoryMappedViewAccessor Map(string name, long length)
    {
        // It may be there, and longer, from a layer below.
        var path = Path.Combine(directory, name);
        using var file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, null, File.Exists(path) ? 0 : length);
        return file.CreateViewAccessor(0, length);
    }
}
