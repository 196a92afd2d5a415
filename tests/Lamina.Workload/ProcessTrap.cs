using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Lamina.Workload;

/// <summary>
/// Makes the kernel kill this process at its next attempt to start another one, from whatever thread. New threads go on. For good: there is no
/// way back. See seccomp(2).
/// </summary>
internal static unsafe class ProcessTrap
{
    private const int SECCOMP_SET_MODE_FILTER = 1;
    private const int SECCOMP_FILTER_FLAG_TSYNC = 1;
    private const uint SECCOMP_RET_KILL_PROCESS = 0x8000_0000;
    private const uint SECCOMP_RET_ERRNO = 0x0005_0000;
    private const uint SECCOMP_RET_ALLOW = 0x7fff_0000;
    private const uint ENOSYS = 38;
    private const uint CLONE_THREAD = 0x0001_0000;

    private const ushort BPF_LOAD_WORD = 0x20;
    private const ushort BPF_JUMP_EQUAL = 0x15;
    private const ushort BPF_JUMP_ANY_BIT = 0x45;
    private const ushort BPF_RETURN = 0x06;

    // In struct seccomp_data: the number of the call, and the lower half of its first argument.
    private const uint NumberOffset = 0;
    private const uint ArgumentOffset = 16;

    // clone3 has its flags in memory, where a filter can't look; without it the C library makes its threads by clone.
    private static readonly (uint[] Forbidden, uint Clone, uint Clone3, uint Seccomp) s_calls = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => ([57, 58, 59, 322], 56u, 435u, 317u),
        Architecture.Arm64 => ([221, 281], 220u, 435u, 277u),
        var other => throw new PlatformNotSupportedException($"the numbers of system calls on {other} are not known"),
    };

    /// <summary>Sets it, for all threads.</summary>
    internal static void Set()
    {
        List<Instruction> program = [new(BPF_LOAD_WORD, 0, 0, NumberOffset)];
        foreach (var number in s_calls.Forbidden)
            program.AddRange([new(BPF_JUMP_EQUAL, 0, 1, number), new(BPF_RETURN, 0, 0, SECCOMP_RET_KILL_PROCESS)]);
        program.AddRange(
        [
            new(BPF_JUMP_EQUAL, 0, 1, s_calls.Clone3),
            new(BPF_RETURN, 0, 0, SECCOMP_RET_ERRNO | ENOSYS),
            new(BPF_JUMP_EQUAL, 0, 3, s_calls.Clone),
            new(BPF_LOAD_WORD, 0, 0, ArgumentOffset),
            new(BPF_JUMP_ANY_BIT, 1, 0, CLONE_THREAD),
            new(BPF_RETURN, 0, 0, SECCOMP_RET_KILL_PROCESS),
            new(BPF_RETURN, 0, 0, SECCOMP_RET_ALLOW),
        ]);
        fixed (Instruction* instructions = program.ToArray())
        {
            var filter = new Filter { Length = (ushort)program.Count, Instructions = instructions };
            if (syscall((nint)s_calls.Seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) != 0)
                throw new Win32Exception(Marshal.GetLastPInvokeError(), $"seccomp: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

#pragma warning disable SYSLIB1054 // Integers and a pointer need no generated marshalling.
    [DllImport("libc", SetLastError = true)]
    private static extern nint syscall(nint number, nint operation, nint flags, Filter* filter);
#pragma warning restore SYSLIB1054

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    private struct Filter
    {
        public ushort Length;
        public Instruction* Instructions;
    }
}
