using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Fuzz;

/// <summary>One rpc that the daemon serves, callable with the bytes of any message.</summary>
internal sealed class Rpc
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(static bytes => bytes, static bytes => bytes);
    private readonly MethodDescriptor _method;

    private Rpc(MethodDescriptor method) => _method = method;

    /// <summary>Such as <c>csi.v1.Identity/Probe</c>.</summary>
    internal string Name => $"{_method.Service.FullName}/{_method.Name}";

    internal bool IsCsi => _method.Service.File.Package.StartsWith("csi.", StringComparison.Ordinal);

    internal MessageDescriptor Request => _method.InputType;

    /// <summary>Whether its name promises that it changes no existing object.</summary>
    internal bool LeavesObjectsAlone =>
        new[] { "Get", "List", "Inspect", "Validate", "Create", "Restore", "Probe", "Check" }.Any(word => _method.Name.Contains(word, StringComparison.Ordinal));

    /// <summary>Whether its name promises that something is gone afterwards.</summary>
    internal bool Undoes => new[] { "Delete", "Unstage", "NodeUnpublish" }.Any(word => _method.Name.Contains(word, StringComparison.Ordinal));

    /// <summary>Whether few calls of it do: there is only one message for it, or it makes a pool, which takes long.</summary>
    internal bool IsRare => Request.Fields.InDeclarationOrder().Count == 0 || Name == "lamina.v1.Pools/Init";

    /// <summary>All that a daemon serves on its gRPC sockets, as its endpoints say: what is added later is among them.</summary>
    internal static IReadOnlyList<Rpc> ServedBy(TestDaemon daemon)
    {
        var known = typeof(Lamina.Hosting.Daemon).Assembly.GetTypes()
            .Select(type => type.GetProperty("Descriptor", typeof(FileDescriptor))?.GetValue(null))
            .OfType<FileDescriptor>().SelectMany(file => file.Services).SelectMany(service => service.Methods)
            .ToDictionary(method => $"/{method.Service.FullName}/{method.Name}");
        return
        [
            .. daemon.Services.GetRequiredService<EndpointDataSource>().Endpoints
                .Select(endpoint => endpoint.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method.FullName).OfType<string>()
                .Distinct().Order(StringComparer.Ordinal).Select(name => new Rpc(known[name])),
        ];
    }

    /// <summary>Calls it and reads whatever comes.</summary>
    /// <returns>How it ended, and the answer, or the last one of a stream.</returns>
    internal async Task<(Status Status, IMessage? Answer)> CallAsync(CallInvoker invoker, byte[] request)
    {
        var type = _method.IsServerStreaming ? MethodType.ServerStreaming : MethodType.Unary;
        var method = new Method<byte[], byte[]>(type, _method.Service.FullName, _method.Name, Bytes, Bytes);
        var options = new CallOptions(deadline: Csi.CsiDaemon.In(TimeSpan.FromMinutes(2)));
        IMessage? answer = null;
        try
        {
            if (_method.IsServerStreaming)
            {
                using var stream = invoker.AsyncServerStreamingCall(method, null, options, request);
                await foreach (var message in stream.ResponseStream.ReadAllAsync())
                    answer = _method.OutputType.Parser.ParseFrom(message);
            }
            else
            {
                answer = _method.OutputType.Parser.ParseFrom(await invoker.AsyncUnaryCall(method, null, options, request));
            }
            return (Status.DefaultSuccess, answer);
        }
        catch (RpcException e)
        {
            return (e.Status, null);
        }
    }

    /// <summary>The message in those bytes; null when they are none, which the framework refuses before we see them.</summary>
    internal IMessage? Read(byte[] bytes)
    {
        try
        {
            return Request.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    public override string ToString() => Name;
}
