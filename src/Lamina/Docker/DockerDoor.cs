using Lamina.Hosting;

namespace Lamina.Docker;

/// <summary>The door for Docker and Podman: their volume plugin API, over HTTP on its own socket.</summary>
internal static class DockerDoor
{
    /// <summary>Adds what the door needs.</summary>
    internal static IServiceCollection AddDockerDoor(this IServiceCollection services) => services
        .AddSingleton<VolumeDriver>()
        .AddSingleton<DockerCalls>();

    /// <summary>Serves the door on its own socket.</summary>
    internal static void MapDockerDoor(this IEndpointRouteBuilder endpoints)
    {
        var calls = endpoints.ServiceProvider.GetRequiredService<DockerCalls>();
        var driver = endpoints.ServiceProvider.GetRequiredService<VolumeDriver>();
        Map("Plugin.Activate", (_, _) => Task.FromResult(new DriverResponse { Implements = ["VolumeDriver"] }));
        Map("VolumeDriver.Capabilities", (_, _) => Task.FromResult(new DriverResponse { Capabilities = new("local") }));
        Map("VolumeDriver.Create", driver.CreateAsync);
        Map("VolumeDriver.Get", driver.GetAsync);
        Map("VolumeDriver.List", driver.ListAsync);
        Map("VolumeDriver.Path", driver.PathAsync);
        Map("VolumeDriver.Mount", driver.MountAsync);
        Map("VolumeDriver.Unmount", driver.UnmountAsync);
        Map("VolumeDriver.Remove", driver.RemoveAsync);

        void Map(string method, DriverCall call) => endpoints.MapPost($"/{method}", context => calls.AnswerAsync(context, method, call)).OnListener(Listener.Docker);
    }
}
