using Lamina.Linux;
using Lamina.Storage.Pools.Overlay;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Storage.Tests.Pools.Overlay;

public sealed class ChainMergerTests
{
    // As on a disk that has vanished. Were it to throw, the pool would stay open and locked, and its disk busy.
    [Fact]
    public async Task End_WhileAMergeFails_IsAnEndAllTheSame()
    {
        var begun = new TaskCompletionSource();
        var merger = new ChainMerger(
            async (_, stopping) =>
            {
                begun.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
                throw new LinuxException("merge", Errno.EIO);
            },
            NullLogger.Instance);
        merger.Start();
        merger.Enqueue(ObjectKey.FromName("v"));
        await begun.Task;

        await merger.DisposeAsync();
    }
}
