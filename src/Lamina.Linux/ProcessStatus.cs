namespace Lamina.Linux;

/// <summary>A process as its stat file tells it. See proc_pid_stat(5).</summary>
public sealed record ProcessStatus
{
    /// <summary>Its number.</summary>
    public required int Pid { get; init; }

    /// <summary>Its parent's number; 0 for the first ones.</summary>
    public required int ParentPid { get; init; }

    /// <summary>When it was started, in clock ticks after boot: with <see cref="Pid"/> it tells processes apart.</summary>
    public required ulong StartTime { get; init; }

    /// <summary>
    /// R running, S sleeping, D waiting for a disk, T stopped, t traced, Z ended but not collected, I idle kernel thread.
    /// </summary>
    public required char State { get; init; }

    /// <summary>The first 15 bytes of its command's name.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it is a part of the kernel, which no signal stops.</summary>
    public required bool IsKernelThread { get; init; }
}
