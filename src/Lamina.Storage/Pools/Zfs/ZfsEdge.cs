namespace Lamina.Storage.Pools.Zfs;

/// <summary>The edge of the backend: what ZFS and the kernel say within becomes, here and nowhere else, what the domain understands.</summary>
/// <param name="settings">The pool's settings, for messages.</param>
internal sealed class ZfsEdge(PoolSettings settings)
{
    private readonly PoolEdge _kernel = new(settings);

    /// <summary>Does something in the pool.</summary>
    /// <param name="what">What, such as <c>create volume 'data'</c>.</param>
    /// <param name="operation">Does it.</param>
    internal Task<T> RunAsync<T>(string what, Func<Task<T>> operation) => _kernel.RunAsync(what, async () =>
    {
        try
        {
            return await operation().ConfigureAwait(false);
        }
        catch (ZfsFailure e)
        {
            throw Failed(what, e);
        }
    });

    /// <inheritdoc cref="RunAsync{T}(string, Func{Task{T}})"/>
    internal Task RunAsync(string what, Func<Task> operation) => RunAsync(what, async () =>
    {
        await operation().ConfigureAwait(false);
        return true;
    });

    /// <inheritdoc cref="PoolEdge.Run{T}(string, Func{T})"/>
    internal T Run<T>(string what, Func<T> question) => _kernel.Run(what, question);

    /// <summary>What a refusal of ZFS is to whoever asked.</summary>
    internal StorageException Failed(string what, ZfsFailure cause, bool changedNothing = false) =>
        new(cause.Error, $"can't {what} in pool '{settings.Name}': {cause.Message}{AdviceOn(cause)}", cause) { ChangedNothing = changedNothing };

    private string AdviceOn(ZfsFailure cause) => cause.Error switch
    {
        StorageError.ResourceExhausted => "; delete something, or raise the quotas above it",
        StorageError.FailedPrecondition when cause.IsTransient => FindMountOf(cause) is { } mount
            ? $"; it is still mounted {mount}, most likely in a container that has not ended yet; end it and call again"
            : "; nobody is seen to have it mounted, so it may just have been unmounted; call again in a moment",
        _ => "",
    };

    // In words. A refusal names its dataset in quotes.
    private static string? FindMountOf(ZfsFailure cause) => ZfsMounts.Find(dataset => cause.Message.Contains($"'{dataset}'", StringComparison.Ordinal));
}
