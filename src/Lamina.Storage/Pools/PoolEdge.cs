using Lamina.Linux;

namespace Lamina.Storage.Pools;

/// <summary>The edge of a backend: what the kernel says within becomes, here and nowhere else, what the domain understands.</summary>
/// <param name="settings">The pool's settings, for messages.</param>
internal sealed class PoolEdge(PoolSettings settings)
{
    /// <summary>Does something in the pool.</summary>
    /// <param name="what">What, such as <c>create volume 'data'</c>.</param>
    /// <param name="operation">Does it.</param>
    internal async Task<T> RunAsync<T>(string what, Func<Task<T>> operation)
    {
        try
        {
            return await operation().ConfigureAwait(false);
        }
        catch (LinuxException e)
        {
            throw Failed(what, e);
        }
    }

    /// <inheritdoc cref="RunAsync{T}(string, Func{Task{T}})"/>
    internal async Task RunAsync(string what, Func<Task> operation)
    {
        try
        {
            await operation().ConfigureAwait(false);
        }
        catch (LinuxException e)
        {
            throw Failed(what, e);
        }
    }

    /// <inheritdoc cref="RunAsync{T}(string, Func{Task{T}})"/>
    internal T Run<T>(string what, Func<T> operation)
    {
        try
        {
            return operation();
        }
        catch (LinuxException e)
        {
            throw Failed(what, e);
        }
    }

    /// <summary>The pool could not be loaded.</summary>
    internal StorageException Unreadable(LinuxException cause) =>
        new(StorageError.Unavailable, $"the pool at {settings.Path} can't be read: {cause.Message}", cause);

    private StorageException Failed(string what, LinuxException cause) => StorageException.From($"{what} in pool '{settings.Name}'", cause);
}
