using Lamina.Hosting;

namespace Lamina.Admin;

/// <summary>The admin door: the domain's services as the gRPC API that the command line is a client of.</summary>
internal static class AdminDoor
{
    /// <summary>Adds what the door needs.</summary>
    internal static IServiceCollection AddAdminDoor(this IServiceCollection services)
    {
        services
            .AddSingleton<PoolDropIns>()
            .AddSingleton<PoolMaker>()
            .AddSingleton<SnapshotNames>()
            .AddSingleton<AdminMessages>()
            .AddSingleton<FamilyTree>()
            .AddSingleton<DaemonChecks>();
        services.AddGrpc()
            .AddServiceOptions<PoolsApi>(options => options.Interceptors.Add<AdminInterceptor>())
            .AddServiceOptions<VolumesApi>(options => options.Interceptors.Add<AdminInterceptor>())
            .AddServiceOptions<SnapshotsApi>(options => options.Interceptors.Add<AdminInterceptor>())
            .AddServiceOptions<SnapshotGroupsApi>(options => options.Interceptors.Add<AdminInterceptor>())
            .AddServiceOptions<TreeApi>(options => options.Interceptors.Add<AdminInterceptor>())
            .AddServiceOptions<CallsApi>(options => options.Interceptors.Add<AdminInterceptor>())
            .AddServiceOptions<DoctorApi>(options => options.Interceptors.Add<AdminInterceptor>());
        return services;
    }

    /// <summary>Serves the door on its own socket.</summary>
    internal static void MapAdminDoor(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<PoolsApi>().OnListener(Listener.Admin);
        endpoints.MapGrpcService<VolumesApi>().OnListener(Listener.Admin);
        endpoints.MapGrpcService<SnapshotsApi>().OnListener(Listener.Admin);
        endpoints.MapGrpcService<SnapshotGroupsApi>().OnListener(Listener.Admin);
        endpoints.MapGrpcService<TreeApi>().OnListener(Listener.Admin);
        endpoints.MapGrpcService<CallsApi>().OnListener(Listener.Admin);
        endpoints.MapGrpcService<DoctorApi>().OnListener(Listener.Admin);
    }
}
