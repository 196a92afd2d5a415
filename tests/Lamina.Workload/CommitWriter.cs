using System.Buffers.Binary;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Workload;

/// <summary>
/// Writes 1, 2, 3, ... to <c>a</c>, <c>b</c>, <c>c</c> and <c>d</c>, each number to all of them in order before the next, and flushes every write
/// before the one that follows it, as a database does with its log and its tables. On the disk too a &gt;= b &gt;= c &gt;= d at any moment, and a - d is at most 1.
/// </summary>
internal sealed class CommitWriter(string directory)
{
    private const int ReadyAt = 4;

    internal void Run(Func<bool> stopping)
    {
        List<SafeFileHandle> files = [.. "abcd".Select(name => Files.Open(Path.Combine(directory, name.ToString()), OpenFlags.ReadWrite | OpenFlags.Create, 0x1a4))];
        Span<byte> bytes = stackalloc byte[8];
        for (var number = 1L; !stopping(); number++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
            foreach (var file in files)
            {
                Files.WriteAll(file, 0, bytes);
                Files.Flush(file);
            }
            if (number == ReadyAt)
                Work.Ready();
        }
        files.ForEach(file => file.Dispose());
    }
}
