using Lamina.Linux;

namespace Lamina.Storage.Pools;

/// <summary>
/// The edge of a backend: what the kernel says within becomes, here and nowhere else, what the domain understands; and here it is seen how long the
/// backend's steps take.
/// </summary>
/// <param name="settings">The pool's settings, for messages.</param>
internal sealed class PoolEdge(PoolSettings settings)
{
    /// <summary>Does something in the pool.</summary>
    /// <param name="what">What, such as <c>create volume 'data'</c>; the words before the name are the step's.</param>
    /// <param name="operation">Does it.</param>
    internal async Task<T> RunAsync<T>(string what, Func<Task<T>> operation)
    {
        using var step = StorageStep.Begin(settings.Name, StepOf(what), what);
        try
        {
            return await operation().ConfigureAwait(false);
        }
        catch (LinuxException e)
        {
            var failure = Failed(what, e);
            step.Fail(failure.Error);
            throw failure;
        }
        catch (Exception e)
        {
            step.Fail(e);
            throw;
        }
    }

    /// <inheritdoc cref="RunAsync{T}(string, Func{Task{T}})"/>
    internal Task RunAsync(string what, Func<Task> operation) => RunAsync(
        what,
        async () =>
        {
            await operation().ConfigureAwait(false);
            return true;
        });

    /// <summary>Asks the pool for something, which is no step.</summary>
    /// <param name="what">What, such as <c>measure the room</c>.</param>
    /// <param name="question">Asks.</param>
    internal T Run<T>(string what, Func<T> question)
    {
        try
        {
            return question();
        }
        catch (LinuxException e)
        {
            throw Failed(what, e);
        }
    }

    /// <inheritdoc cref="Run{T}(string, Func{T})"/>
    internal void Run(string what, Action question) => Run(
        what,
        () =>
        {
            question();
            return true;
        });

    /// <summary>The pool could not be loaded.</summary>
    internal StorageException Unreadable(LinuxException cause) =>
        new(StorageError.Unavailable, $"the pool at {settings.Path} can't be read: {cause.Message}", cause);

    // Of the names of steps there are as many as the code has, of those of volumes any number.
    private static string StepOf(string what) => (what.IndexOf('\'') is > 0 and var name ? what[..(name - 1)] : what).Replace(' ', '_');

    private StorageException Failed(string what, LinuxException cause) => StorageException.From($"{what} in pool '{settings.Name}'", cause);
}
