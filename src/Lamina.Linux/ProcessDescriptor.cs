namespace Lamina.Linux;

/// <summary>An open file of a process. See proc_pid_fdinfo(5).</summary>
/// <param name="Number">The descriptor.</param>
/// <param name="MountId">
/// The mount through which it was opened, as <see cref="MountEntry.Id"/> has it; -1 when the kernel doesn't say.
/// </param>
/// <param name="Flags">How it was opened, as this architecture numbers it.</param>
/// <param name="Target">
/// Its path in the process's view, or <c>socket:[1]</c> and the like; " (deleted)" at the end of one without a name.
/// </param>
public readonly record struct ProcessDescriptor(int Number, int MountId, int Flags, string Target)
{
    private const int AccessModeMask = 3;

    /// <summary>Whether it can be written through.</summary>
    public bool IsWritable => (Flags & AccessModeMask) != 0 && (Flags & (int)OpenFlags.Path) == 0;
}
