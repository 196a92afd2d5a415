using Lamina.Linux.Interop;

namespace Lamina.Linux;

/// <summary>The session of this process. See setsid(2).</summary>
public static class ProcessSession
{
    /// <summary>
    /// Leaves the session and the process group that we were started in, so that what is sent to them doesn't reach us; nothing happens
    /// when we lead a group already.
    /// </summary>
    public static void Leave() => _ = LibC.setsid();
}
