using Grpc.AspNetCore.Server;
using Lamina.Hosting;

namespace Lamina.Csi;

/// <summary>The CSI door: the services of <c>proto/csi/v1/csi.proto</c> on their own socket.</summary>
internal static class CsiDoor
{
    internal static IServiceCollection AddCsiDoor(this IServiceCollection services)
    {
        services.AddGrpc()
            .AddServiceOptions<IdentityService>(Intercept)
            .AddServiceOptions<ControllerService>(Intercept)
            .AddServiceOptions<GroupControllerService>(Intercept)
            .AddServiceOptions<SnapshotMetadataService>(Intercept)
            .AddServiceOptions<NodeService>(Intercept);
        return services
            .AddSingleton<CsiPlugin>()
            .AddSingleton<VolumeLookup>()
            .AddSingleton<RefusalNotices>()
            .AddSingleton<CsiInterceptor>()
            .AddSingleton<IdentityService>()
            .AddSingleton<ControllerService>()
            .AddSingleton<GroupControllerService>()
            .AddSingleton<SnapshotMetadataService>()
            .AddSingleton<NodeService>();
    }

    internal static void MapCsiDoor(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<IdentityService>().OnListener(Listener.Csi);
        endpoints.MapGrpcService<ControllerService>().OnListener(Listener.Csi);
        endpoints.MapGrpcService<GroupControllerService>().OnListener(Listener.Csi);
        endpoints.MapGrpcService<SnapshotMetadataService>().OnListener(Listener.Csi);
        endpoints.MapGrpcService<NodeService>().OnListener(Listener.Csi);
    }

    private static void Intercept<T>(GrpcServiceOptions<T> options)
        where T : class => options.Interceptors.Add<CsiInterceptor>();
}
