using Google.Protobuf.Reflection;
using Grpc.Core;
using Lamina.Admin;
using Lamina.Cli;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Admin;

public sealed class AdminDoorTests(TestDaemon daemon) : IClassFixture<TestDaemon>, IDisposable
{
    private readonly DaemonConnection _connection = new(daemon.AdminSocket);

    public void Dispose() => _connection.Dispose();

    [Fact]
    public void Errors_EachOne_HasACodeOfItsOwn()
    {
        // What is not here has the code of a lack of room, as at CSI's door. The name that comes with it tells them apart.
        var codes = Enum.GetValues<StorageError>().Where(error => error != StorageError.NotHere).Select(AdminErrors.CodeOf).ToList();

        Assert.Equal(codes.Count, codes.Distinct().Count());
        Assert.DoesNotContain(StatusCode.OK, codes);
        Assert.Equal(StatusCode.ResourceExhausted, AdminErrors.CodeOf(StorageError.NotHere));
    }

    [Fact]
    public async Task Call_Refused_CarriesTheMessageAndTheNameOfTheError()
    {
        var error = await Assert.ThrowsAsync<RpcException>(async () => await _connection.Volumes.InspectAsync(new V1.InspectVolumeRequest { Volume = "ünbekannt" }));

        Assert.Equal(new Status(StatusCode.NotFound, "there is no volume 'ünbekannt'"), error.Status with { });
        Assert.Equal("NotFound", error.Trailers.GetValue("lamina-error"));
    }

    [Fact]
    public async Task StreamingCall_Refused_IsTranslatedToo()
    {
        using var call = _connection.Snapshots.List(new V1.ListSnapshotsRequest { Volume = "never" });

        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));

        Assert.Equal((StatusCode.NotFound, "NotFound"), (error.StatusCode, error.Trailers.GetValue("lamina-error")));
    }

    [Fact]
    public async Task Call_NegativeSize_IsInvalid()
    {
        var error = await Assert.ThrowsAsync<RpcException>(async () => await _connection.Volumes.CreateAsync(new V1.CreateVolumeRequest { Name = "n", SizeBytes = -1 }));

        Assert.Equal((StatusCode.InvalidArgument, "the size is -1; a size is never negative"), (error.StatusCode, error.Status.Detail));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(129)]
    public async Task Attach_ReferenceOfNoUse_IsInvalid(int length)
    {
        await _connection.Volumes.CreateAsync(new V1.CreateVolumeRequest { Name = "referenced" });

        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await _connection.Volumes.AttachAsync(new V1.AttachVolumeRequest { Volume = "referenced", Reference = new string('x', length) }));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
    }

    [Fact]
    public async Task Detach_UnderAnotherDoorsHolder_LeavesItMounted()
    {
        var id = (await _connection.Volumes.CreateAsync(new V1.CreateVolumeRequest { Name = "staged" })).Id;
        var attachments = daemon.Services.GetRequiredService<AttachmentService>();
        var volume = IStorageValue<VolumeId>.Parse(id);
        await attachments.AttachAsync(volume, new HolderIdentity(Door.Csi, HolderKind.Stage, "/stage"), "", CancellationToken.None);

        var answer = await _connection.Volumes.DetachAsync(new V1.DetachVolumeRequest { Volume = "staged", Reference = "/stage" });

        Assert.Equal("csi", Assert.Single(answer.Holders).Door);
        Assert.NotNull(attachments.MountPointOf(volume));
    }

    [Fact]
    public async Task Services_OnTheCsiSocket_AreNotThere()
    {
        using var csi = new DaemonConnection(daemon.CsiSocket);

        var error = await Assert.ThrowsAsync<RpcException>(async () => await csi.Volumes.DeleteAsync(new V1.DeleteVolumeRequest { Volume = "x" }));

        Assert.Equal(StatusCode.Unimplemented, error.StatusCode);
    }

    [Fact]
    public void Socket_Mode_IsRootsAlone() =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(daemon.AdminSocket));

    [Fact]
    public async Task PoolInit_FourAtOnceOfOneName_MakeOne()
    {
        var request = new V1.InitPoolRequest { Name = "race", Backend = "overlay2", Path = Path.Combine(daemon.Root, "race") };

        var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            try
            {
                return (await _connection.Pools.InitAsync(request)).Loaded ? StatusCode.OK : StatusCode.Unknown;
            }
            catch (RpcException e)
            {
                return e.StatusCode;
            }
        }));

        Assert.Equal([StatusCode.OK, StatusCode.AlreadyExists, StatusCode.AlreadyExists, StatusCode.AlreadyExists], results.Order());
    }

    [Fact]
    public async Task Everything_BeforeThePoolsAreRead_IsUnavailable()
    {
        await using var slow = await SlowPool.MakeAsync();
        await using var early = new DaemonProcess(slow.Arguments);
        early.Launch();
        try
        {
            await early.LogsAsync("Listening");
            using var channel = UnixChannel.To(early.AdminSocket);
            foreach (var method in V1.AdminReflection.Descriptor.Services.SelectMany(service => service.Methods))
            {
                var answer = await AnswerAsync(channel.CreateCallInvoker(), method);
                if (method.Service.Name == "Doctor")
                    Assert.Contains(V1.CheckResponse.Parser.ParseFrom(answer.Content).Checks, check => check.Detail == "the daemon is still reading its pools");
                else if (method.Service.Name == "Calls")
                    Assert.Empty(V1.GetCallsResponse.Parser.ParseFrom(answer.Content).Operations);
                else
                    Assert.True(answer is (StatusCode.Unavailable, null, "the daemon is still reading its pools; call again in a moment"), $"{method.FullName}: {answer}");
            }
        }
        finally
        {
            // Nobody can be killed who waits for a frozen disk.
            slow.Release();
        }
    }

    // With nothing in the request.
    private static async Task<(StatusCode Code, byte[]? Content, string Detail)> AnswerAsync(CallInvoker invoker, MethodDescriptor method)
    {
        var bytes = Marshallers.Create(content => content, content => content);
        var raw = new Method<byte[], byte[]>(method.IsServerStreaming ? MethodType.ServerStreaming : MethodType.Unary, method.Service.FullName, method.Name, bytes, bytes);
        try
        {
            if (!method.IsServerStreaming)
                return (StatusCode.OK, await invoker.AsyncUnaryCall(raw, null, default, []), "");
            using var call = invoker.AsyncServerStreamingCall(raw, null, default, []);
            return (StatusCode.OK, await call.ResponseStream.MoveNext(CancellationToken.None) ? call.ResponseStream.Current : null, "");
        }
        catch (RpcException e)
        {
            return (e.StatusCode, null, e.Status.Detail);
        }
    }
}
