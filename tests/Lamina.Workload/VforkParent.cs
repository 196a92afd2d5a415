using System.Runtime.InteropServices;
using Lamina.Linux;

namespace Lamina.Workload;

/// <summary>
/// Starts a program with posix_spawn(3) whose child waits for a FIFO before it becomes the program, so that the parent waits in vfork(2),
/// where no signal reaches it.
/// </summary>
internal static unsafe partial class VforkParent
{
    // posix_spawn_file_actions_t has 80 bytes.
    private const int ActionsSize = 128;

    internal static int Run(string path, string fifo)
    {
        using var file = Files.Open(path, OpenFlags.ReadWrite | OpenFlags.Create, 0x1a4);
        var actions = stackalloc byte[ActionsSize];
        _ = Initialize(actions);
        _ = AddOpen(actions, 99, fifo, 0, 0);
        Work.Ready();
        var arguments = stackalloc nint[] { Marshal.StringToCoTaskMemUTF8("true"), 0 };
        var environment = stackalloc nint[] { 0 };
        return Spawn(out _, "/bin/true", actions, 0, arguments, environment);
    }

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    private static partial int Initialize(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddOpen(byte* actions, int descriptor, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Spawn(out int pid, string path, byte* actions, nint attributes, nint* arguments, nint* environment);
}
