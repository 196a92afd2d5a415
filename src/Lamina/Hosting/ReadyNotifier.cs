using Microsoft.Extensions.Hosting.Systemd;

namespace Lamina.Hosting;

/// <summary>
/// Tells the init system that the daemon is ready when its pools were read, and not already when its doors are open: what is ordered after it
/// finds its volumes then. Everything else is passed on as it comes.
/// </summary>
internal sealed class ReadyNotifier : ISystemdNotifier
{
    private readonly SystemdNotifier _notifier = new();

    /// <inheritdoc/>
    public bool IsEnabled => _notifier.IsEnabled;

    /// <inheritdoc/>
    public void Notify(ServiceState state)
    {
        if (!state.Equals(ServiceState.Ready))
            _notifier.Notify(state);
    }

    /// <summary>The pools were read, each with success or not.</summary>
    internal void PoolsAreRead() => _notifier.Notify(ServiceState.Ready);
}
