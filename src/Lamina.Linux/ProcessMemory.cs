using Lamina.Linux.Interop;

namespace Lamina.Linux;

/// <summary>This process's own memory.</summary>
public static class ProcessMemory
{
    /// <summary>
    /// Gives the kernel back what the C library keeps of freed memory: the just-in-time compiler takes and frees megabytes. Nothing happens
    /// where the library can't. See malloc_trim(3).
    /// </summary>
    public static void Trim()
    {
        try
        {
            LibC.malloc_trim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Only glibc has it.
        }
    }
}
