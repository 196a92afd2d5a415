using Lamina.Linux.Interop;

namespace Lamina.Linux;

/// <summary>The memory that the C library hands out in this process: to the runtime, most of it to its compiler, and to native libraries.</summary>
public static class NativeHeap
{
    /// <summary>Gives back to the kernel what was freed. The C library keeps it otherwise, for whoever asks next. See malloc_trim(3).</summary>
    /// <returns>Whether there was any. Never, with a C library that has no such call.</returns>
    public static bool Trim()
    {
        try
        {
            return LibC.malloc_trim(0) == 1;
        }
        catch (EntryPointNotFoundException)
        {
            // musl's keeps less, and is not asked.
            return false;
        }
    }
}
