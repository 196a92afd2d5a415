using Lamina.Storage;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Testing.Pools;

/// <summary>A ZFS pool whose commands answer by a script: for what the ZFS of a test machine can't do.</summary>
public sealed class ScriptedZfsPool : IAsyncDisposable
{
    /// <summary>Its root dataset.</summary>
    public const string Root = "tank/lamina";

    private readonly WriterPauses _pauses = new(TestScratch.NewDirectory("run"), null, TimeProvider.System, NullLogger<WriterPauses>.Instance);
    private bool _disposed;

    /// <param name="inventory">What is listed of the root dataset and of all beneath it.</param>
    /// <param name="list">What <c>zpool list</c> answers.</param>
    /// <param name="status">What <c>zpool status</c> answers.</param>
    /// <param name="tell">Tells what else is answered, or otherwise, before the pool is opened.</param>
    public ScriptedZfsPool(string inventory, string list, string status, Action<ScriptedZfs>? tell = null)
    {
        Cuts = new(_pauses, TimeProvider.System, NullLogger<Storage.Pools.Cuts.CutRunner>.Instance);
        Script
            .On($"zfs get -Hp -o name,property,value,source guid,lamina:pool {Root}",
                // The lock of a pool holds for the whole host, and so for test programs that run by the side of each other.
                $"{Root}\tguid\t{Random.Shared.NextInt64()}\t-\n{Root}\tlamina:pool\t{{\"format\":1,\"id\":\"{Id}\",\"backend\":\"Zfs\"}}\tlocal\n")
            .On("zfs get -Hp -o value type *", "filesystem\n")
            .On($"zfs get -Hp -o name,property,value,source snapdir {Root}/volumes", $"{Root}/volumes\tsnapdir\tdisabled\tdefault\n")
            .On($"zfs get -Hp -o name,property,value,source volmode {Root}", $"{Root}\tvolmode\tdev\tlocal\n")
            .On("zfs get -Hp -r *", inventory)
            .On("zpool list -Hp -o health,fragmentation tank", list)
            .On("zpool status -p tank", status)
            .On("zfs create *").On("zfs snapshot *").On("zfs clone *").On("zfs set *").On("zfs rename *").On("zfs destroy *");
        tell?.Invoke(Script);
        Pool = new PoolOpener(NullLoggerFactory.Instance, TimeProvider.System, _pauses, new PoolEnvironment { ZfsPrograms = Script.Programs, RuntimeDirectory = TestScratch.NewDirectory("run") })
            .Open(ZfsScratchPool.SettingsOf(Root));
    }

    /// <summary>Its id.</summary>
    public static PoolId Id { get; } = IStorageValue<PoolId>.Parse("abcdefghijklm");

    /// <summary>What the commands answer.</summary>
    public ScriptedZfs Script { get; } = new();

    /// <summary>The pool, open.</summary>
    public IPool Pool { get; }

    /// <summary>Takes cuts.</summary>
    public Storage.Pools.Cuts.CutRunner Cuts { get; }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _disposed, true) ? ValueTask.CompletedTask : Pool.DisposeAsync();
}
