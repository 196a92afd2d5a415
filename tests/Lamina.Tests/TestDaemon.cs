using Lamina.Hosting;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests;

/// <summary>
/// The real daemon in this process, on directories and sockets of its own, with the embedded default pool. Can be stopped and started again on
/// the same directories. A fixture for the tests of a class, or made by a test for itself.
/// </summary>
public sealed class TestDaemon : IAsyncLifetime
{
    private readonly string[] _arguments;
    private WebApplication? _app;

    public TestDaemon()
        : this([])
    {
    }

    private TestDaemon(string[] arguments) => _arguments = arguments;

    /// <summary>Holds everything of this daemon.</summary>
    internal string Root { get; } = TestScratch.NewDirectory("daemon");

    internal string RuntimeDirectory => Path.Combine(Root, "run");

    internal string StateDirectory => Path.Combine(Root, "state");

    internal string ConfigurationDirectory => Path.Combine(Root, "etc");

    /// <summary>The path of the embedded default pool.</summary>
    internal string DefaultPool => Path.Combine(StateDirectory, "pools", "default");

    internal string AdminSocket => Path.Combine(RuntimeDirectory, "admin.sock");

    internal string CsiSocket => Path.Combine(RuntimeDirectory, "csi.sock");

    /// <summary>What the daemon is made of.</summary>
    internal IServiceProvider Services => _app?.Services ?? throw new InvalidOperationException("the daemon is stopped");

    /// <summary>Starts one, with more configuration arguments.</summary>
    internal static async Task<TestDaemon> StartAsync(params string[] arguments)
    {
        var daemon = new TestDaemon(arguments);
        await daemon.StartAgainAsync();
        return daemon;
    }

    public async ValueTask InitializeAsync() => await StartAgainAsync();

    internal async Task StartAgainAsync()
    {
        await StopAsync();
        _app = Daemon.Build(
        [
            $"--runtimeDirectory={RuntimeDirectory}",
            $"--stateDirectory={StateDirectory}",
            $"--configurationDirectory={ConfigurationDirectory}",
            $"--csi:endpoint=unix://{CsiSocket}",
            "--metrics:address=none",
            "--logging:logLevel:default=None",
            .. _arguments,
        ]);
        await _app.StartAsync();
        var pools = Services.GetRequiredService<PoolSet>();
        await Eventually.TrueAsync(() => pools.IsReady, "the daemon has read its pools");
    }

    /// <summary>Stops it as SIGTERM does: mounts stay.</summary>
    internal async Task StopAsync()
    {
        if (_app is not { } app)
            return;
        _app = null;
        await app.StopAsync();
        await app.DisposeAsync();
    }

    /// <summary>Ends every holder, whoever it is, so that nothing stays mounted.</summary>
    internal async Task DetachAllAsync()
    {
        var attachments = Services.GetRequiredService<AttachmentService>();
        foreach (var volume in Services.GetRequiredService<Catalog>().Volumes().ToList())
        {
            foreach (var holder in attachments.HoldersOf(volume.Id).OrderByDescending(holder => holder.Kind == HolderKind.Publication))
            {
                await EndAsync(() => holder.Kind == HolderKind.Publication
                    ? attachments.UnpublishAsync(volume.Id, holder.Door, IStorageValue<MountTarget>.Parse(holder.Reference), CancellationToken.None)
                    : attachments.DetachAsync(volume.Id, holder.Identity, CancellationToken.None));
            }
        }
    }

    // As orchestrators do, who ask again where something is in use: of all that runs beside a test, somebody may look into a mount just now.
    private static async Task EndAsync(Func<Task> end)
    {
        for (var left = 10; ; left--)
        {
            try
            {
                await end();
                return;
            }
            catch (StorageException e) when (e.Error == StorageError.FailedPrecondition && left > 0)
            {
                await Task.Delay(500);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await DetachAllAsync();
        await StopAsync();
    }
}
