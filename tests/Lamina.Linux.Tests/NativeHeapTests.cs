using System.Globalization;
using System.Runtime.InteropServices;

namespace Lamina.Linux.Tests;

public sealed class NativeHeapTests
{
    private const int Blocks = 16 * 1024;
    private const int BlockSize = 4096;

    [Fact]
    public void Trim_AfterMuchWasFreed_GivesItBack()
    {
        var blocks = new nint[Blocks];
        for (var number = 0; number < Blocks; number++)
        {
            blocks[number] = Marshal.AllocHGlobal(BlockSize);
            Marshal.WriteByte(blocks[number], 1);
        }
        // All but the last, which keeps the rest from going by itself.
        foreach (var block in blocks.AsSpan(..^1))
            Marshal.FreeHGlobal(block);
        var before = Resident();

        Assert.True(NativeHeap.Trim());

        Assert.InRange(before - Resident(), Blocks / 2L * BlockSize, long.MaxValue);
        Marshal.FreeHGlobal(blocks[^1]);
    }

    // Of memory that is no file's, in bytes. See proc_pid_status(5).
    private static long Resident()
    {
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.AsSpan()["RssAnon:".Length..^" kB".Length], NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);
    }
}
