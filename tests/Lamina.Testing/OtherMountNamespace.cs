using System.Globalization;
using System.Runtime.InteropServices;
using Lamina.Linux;
using Xunit;

namespace Lamina.Testing;

/// <summary>
/// A process in a mount namespace of its own, into which single mounts are put: what a container looks like that has not ended yet. Made before
/// any test, as a new namespace begins with a copy of all mounts, those of other tests too, which would then be in use. Register it once in a test project:
/// <c>[assembly: AssemblyFixture(typeof(OtherMountNamespace))]</c>.
/// </summary>
public sealed class OtherMountNamespace : IAsyncLifetime
{
    private const int CLONE_FS = 0x200;
    private const int CLONE_NEWNS = 0x20000;
    private static OtherMountNamespace? s_current;
    private readonly CancellationTokenSource _end = new();
    private Task _process = Task.CompletedTask;
    private int _pid;

    public async ValueTask InitializeAsync()
    {
        if (!Environment.IsPrivilegedProcess || !File.Exists("/usr/bin/unshare"))
            return;
        var self = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        var ready = TestScratch.NewPath("namespace");
        // Ends by itself when the test process is killed.
        const string script = "echo $$ > $1.new && mv $1.new $1; while kill -0 $0; do sleep 1; done";
        _process = ChildProcess.RunAsync("unshare", ["--mount", "--propagation", "private", "sh", "-c", script, self, ready], _end.Token);
        await Eventually.TrueAsync(() => File.Exists(ready) || _process.IsCompleted, "unshare starts");
        _pid = int.Parse(await File.ReadAllTextAsync(ready), CultureInfo.InvariantCulture);
        File.Delete(ready);
        Run(LetGoOfOthers);
        s_current = this;
    }

    public async ValueTask DisposeAsync()
    {
        s_current = null;
        await _end.CancelAsync();
        await _process.ContinueWith(_ => { }, TaskScheduler.Default);
        _end.Dispose();
    }

    /// <summary>Mounts there what is mounted here at a path, until the end of the scope. Skips the test where there is no such namespace.</summary>
    public static HeldMount Hold(string path)
    {
        Requirements.Met(s_current is not null, "needs root, and unshare of the package util-linux");
        var target = TestScratch.NewDirectory("held");
        using (var source = Files.Open(path, OpenFlags.Path | OpenFlags.Directory))
        using (var tree = Mounts.CloneTree(source))
            s_current!.Run(() => Mounts.Attach(tree, target));
        return new HeldMount(s_current, target);
    }

    // The copies of what other test processes have mounted now: it would stay in use until we end.
    private void LetGoOfOthers()
    {
        foreach (var mount in MountTable.Read(_pid).Beneath(TestSettings.ScratchParent).Where(mount => mount.MountPoint != TestSettings.ScratchParent).Reverse())
            Mounts.TryUnmount(mount.MountPoint);
    }

    // A thread can change its namespace only when it shares its working directory with no other, and .NET's threads would not come back.
    private void Run(Action action)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var other = Files.Open(string.Create(CultureInfo.InvariantCulture, $"/proc/{_pid}/ns/mnt"), OpenFlags.ReadOnly);
                if (unshare(CLONE_FS) < 0 || setns((int)other.DangerousGetHandle(), CLONE_NEWNS) < 0)
                    throw new InvalidOperationException($"setns: {Marshal.GetLastPInvokeErrorMessage()}");
                action();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null)
            throw new InvalidOperationException(failure.Message, failure);
    }

#pragma warning disable SYSLIB1054 // Two integers need no generated marshalling.
    [DllImport("libc", SetLastError = true)]
    private static extern int unshare(int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int setns(int descriptor, int type);
#pragma warning restore SYSLIB1054

    /// <summary>A mount that is held there.</summary>
    public sealed class HeldMount : IDisposable
    {
        private readonly OtherMountNamespace _owner;
        private readonly string _target;

        internal HeldMount(OtherMountNamespace owner, string target)
        {
            _owner = owner;
            _target = target;
        }

        /// <summary>Its files, as that process sees them, for us to read and write.</summary>
        public string Path => string.Create(CultureInfo.InvariantCulture, $"/proc/{_owner._pid}/root{_target}");

        public void Dispose()
        {
            _owner.Run(() => Mounts.Unmount(_target));
            Directory.Delete(_target);
        }
    }
}
