using System.IO.MemoryMappedFiles;

namespace Lamina.Workload;

/// <summary>Counts in a mapped file, which tells whoever looks that it runs.</summary>
internal sealed class Counter(string file)
{
    internal void Run(Func<bool> stopping)
    {
        using var mapped = MemoryMappedFile.CreateFromFile(file, FileMode.OpenOrCreate, null, 8);
        using var view = mapped.CreateViewAccessor();
        for (var number = 1L; !stopping(); number++)
        {
            view.Write(0, number);
            if (number == 1)
                Work.Ready();
            Thread.Sleep(1);
        }
    }
}
