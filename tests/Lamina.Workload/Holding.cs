using System.Globalization;
using Lamina.Linux;

namespace Lamina.Workload;

/// <summary>Uses a volume without doing much.</summary>
internal static class Holding
{
    /// <summary>Has a file open for writing.</summary>
    internal static void Open(string path, Func<bool> stopping)
    {
        using var file = Files.Open(path, OpenFlags.ReadWrite | OpenFlags.Create, 0x1a4);
        Wait(stopping);
    }

    /// <summary>Has its working directory there.</summary>
    internal static void Sit(string directory, Func<bool> stopping)
    {
        Environment.CurrentDirectory = directory;
        Wait(stopping);
    }

    /// <summary>Opens, writes and closes a file again and again, so that it has it open for moments only.</summary>
    internal static void Glimpse(string path, Func<bool> stopping)
    {
        for (var number = 0L; !stopping(); number++)
        {
            File.WriteAllText(path, number.ToString(CultureInfo.InvariantCulture));
            if (number == 0)
                Work.Ready();
            Thread.Sleep(1);
        }
    }

    private static void Wait(Func<bool> stopping)
    {
        Work.Ready();
        while (!stopping())
            Thread.Sleep(5);
    }
}
