namespace Lamina.Storage.Operations;

/// <summary>Begins what goes on for as long as a pool is served, and so is no part of the call that happened to begin it: a pool is also loaded by <c>lamina pool init</c>.</summary>
internal static class Background
{
    /// <summary>Runs it on a thread of the pool, without the caller's id, trace and scopes of the log.</summary>
    internal static Task Run(Func<Task> work)
    {
        if (ExecutionContext.IsFlowSuppressed())
            return Task.Run(work);
        using (ExecutionContext.SuppressFlow())
            return Task.Run(work);
    }
}
