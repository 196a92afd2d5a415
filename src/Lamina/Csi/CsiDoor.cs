namespace Lamina.Csi;

/// <summary>The CSI door.</summary>
internal static class CsiDoor
{
    internal static IServiceCollection AddCsiDoor(this IServiceCollection services) => services;

    internal static void MapCsiDoor(this IEndpointRouteBuilder endpoints) => _ = endpoints;
}
