using System.ComponentModel.DataAnnotations;

namespace Lamina.Hosting;

/// <summary>The door for Docker and Podman.</summary>
internal sealed class DockerOptions
{
    /// <summary>Whether it is open; <c>lamina serve --docker</c> opens it too.</summary>
    public bool Enabled { get; set; }

    /// <summary>Its socket, whose file name is the driver's name. Docker looks for it in no other directory.</summary>
    [Required, AbsolutePath]
    public string Socket { get; set; } = "/run/docker/plugins/lamina.sock";
}
