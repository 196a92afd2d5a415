using Microsoft.AspNetCore.Http;

namespace Lamina.Tests.Cluster;

/// <summary>A request as an API server's authorization sees it, and what of it the faults of a test go by.</summary>
/// <param name="Verb">Such as <c>list</c>, <c>watch</c> or <c>patch</c>.</param>
/// <param name="Group">The API group; empty for the core.</param>
/// <param name="Resource">Such as <c>persistentvolumes</c>.</param>
/// <param name="Namespace">The namespace; empty: none.</param>
/// <param name="Name">The object; empty: the whole collection.</param>
/// <param name="Continues">Whether it asks for a further page of a list.</param>
/// <param name="Host">The server's name that it was asked by.</param>
/// <param name="Protocol">Such as <c>HTTP/2</c>.</param>
internal sealed record ApiRequest(string Verb, string Group, string Resource, string Namespace, string Name, bool Continues, string Host, string Protocol)
{
    /// <summary>Where the objects of its kind lie.</summary>
    internal string Collection => $"{Group}/{Resource}";

    internal static ApiRequest Read(HttpRequest request)
    {
        var parts = request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var (group, rest) = parts[0] == "api" ? ("", parts[2..]) : (parts[1], parts[3..]);
        var @namespace = "";
        if (rest.Length > 2 && rest[0] == "namespaces")
            (@namespace, rest) = (rest[1], rest[2..]);
        Assert.True(rest.Length is 1 or 2, $"the fake API server has no {request.Path}");
        var name = rest.Length > 1 ? rest[1] : "";
        var verb = (request.Method, name.Length > 0) switch
        {
            ("GET", true) => "get",
            ("GET", false) => request.Query["watch"] == "true" ? "watch" : "list",
            ("POST", false) => "create",
            ("PATCH", true) => "patch",
            ("PUT", true) => "update",
            ("DELETE", true) => "delete",
            _ => "deletecollection",
        };
        return new ApiRequest(verb, group, rest[0], @namespace, name, request.Query.ContainsKey("continue"), request.Host.ToString(), request.Protocol);
    }
}
