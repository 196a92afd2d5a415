using System.Buffers.Binary;
using System.Globalization;
using System.IO.MemoryMappedFiles;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Workload;

/// <summary>
/// Writes 1, 2, 3, ... to several directories, each number to all of them in order before the next: in each by a write to <c>n</c> and a store into the
/// mapped <c>m</c>. Nothing is flushed. At any moment none has a later number than one before it, and the first is ahead of the last by 1 at most.
/// </summary>
internal sealed class NumbersAcross(string[] directories)
{
    internal void Run(Func<bool> stopping)
    {
        var files = directories.Select(Open).ToList();
        var maps = directories.Select(Map).ToList();
        Span<byte> bytes = stackalloc byte[8];
        for (var number = 1L; !stopping(); number++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
            for (var i = 0; i < directories.Length; i++)
            {
                Files.WriteAll(files[i], 0, bytes);
                maps[i].Write(0, number);
            }
            if (number == 100)
                Work.Ready();
        }
        files.ForEach(file => file.Dispose());
        maps.ForEach(map => map.Dispose());
    }

    /// <summary>As a process does that has its files open for moments only, so that it can't be found: to the file <c>n</c> alone, as text.</summary>
    internal void Glimpse(Func<bool> stopping)
    {
        for (var number = 1L; !stopping(); number++)
        {
            foreach (var directory in directories)
            {
                using var file = Files.Open(Path.Combine(directory, "n"), OpenFlags.WriteOnly | OpenFlags.Create, 0x1a4);
                Files.WriteAll(file, 0, System.Text.Encoding.ASCII.GetBytes(number.ToString("d20", CultureInfo.InvariantCulture)));
            }
            if (number == 100)
                Work.Ready();
        }
    }

    private static SafeFileHandle Open(string directory) => Files.Open(Path.Combine(directory, "n"), OpenFlags.ReadWrite | OpenFlags.Create, 0x1a4);

    private static MemoryMappedViewAccessor Map(string directory)
    {
        using var file = MemoryMappedFile.CreateFromFile(Path.Combine(directory, "m"), FileMode.OpenOrCreate, null, 8);
        return file.CreateViewAccessor(0, 8);
    }
}
