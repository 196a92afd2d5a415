using Lamina.Storage.Attachments;

namespace Lamina.Docker;

/// <summary>The engines that share this door, and by what they are told apart.</summary>
internal static class Engines
{
    /// <summary>Docker has an id of its own for each mount of a container.</summary>
    internal static readonly ContainerEngine Docker = new("Docker", CountsItself: false);

    /// <summary>Podman has one id for all, and counts.</summary>
    internal static readonly ContainerEngine Podman = new("Podman", CountsItself: true);

    /// <summary>The one id that Podman has for all its mounts.</summary>
    internal const string PodmanId = "2f73349cfc4630255319c6c8dfc1b46a8996ace9d14d8e07563b165915918ec2";

    // Docker sends an empty one, or a longer one.
    private const string PodmanHost = "plugin";

    /// <summary>Who asks.</summary>
    internal static ContainerEngine Of(HttpRequest http, DriverRequest request) => http.Host.Host == PodmanHost || request.ID == PodmanId ? Podman : Docker;
}
