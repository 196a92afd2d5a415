using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lamina.Hosting;

/// <summary>
/// Keeps every endpoint on its own listener. Kestrel by itself serves all of them on all, so that a delete of the admin API would answer on the
/// metrics port.
/// </summary>
internal static class ListenerIsolation
{
    /// <summary>Marks the connections of a listener.</summary>
    internal static void Tag(this ListenOptions options, Listener listener) => options.Use(next => connection =>
    {
        connection.Features.Set(new ListenerFeature(listener));
        return next(connection);
    });

    /// <summary>Says where an endpoint is served.</summary>
    internal static TBuilder OnListener<TBuilder>(this TBuilder builder, Listener listener)
        where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new ListenerFeature(listener));

    /// <summary>Answers 404 to requests for endpoints of another listener, and for endpoints that name none.</summary>
    internal static IApplicationBuilder UseListenerIsolation(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        var endpoint = context.GetEndpoint();
        var connection = context.Features.Get<ListenerFeature>();
        if (endpoint is not null && endpoint.Metadata.GetMetadata<ListenerFeature>() != connection)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        await next(context);
    });

    private sealed record ListenerFeature(Listener Listener);
}
