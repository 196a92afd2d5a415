using System.Runtime.ExceptionServices;
using Lamina.Linux.Interop;

namespace Lamina.Linux;

/// <summary>
/// Work on a thread of its own whose working directory, and if wanted mount namespace, are its alone: the process never sees what it
/// does to them, and they end with it. See unshare(2).
/// </summary>
internal static class PrivateThread
{
    /// <summary>Runs <paramref name="action"/> there, waits for it, and throws what it throws.</summary>
    /// <param name="action">The work.</param>
    /// <param name="unshare">CLONE_* flags.</param>
    public static void Run(Action action, int unshare)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                if (LibC.unshare(unshare) < 0)
                    throw LinuxException.Last("unshare");
                action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        })
        {
            IsBackground = true,
            Name = "lamina-private",
        };
        thread.Start();
        thread.Join();
        failure?.Throw();
    }
}
