using System.Collections;
using Csi.V1;
using CsCheck;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Lamina.Testing;
using Lamina.Tests.Csi;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Lamina.Tests.Fuzz;

/// <summary>Secrets, tokens and mount flags in every field that may carry them, of every rpc; and then a look for them in all that was said.</summary>
public sealed class SecretTests
{
    private const int CallsOfEach = 60;
    private const string Secret = "pLaNtEd-SeCrEt";
    private const string Flag = "pLaNtEd-FlAg";

    [Fact]
    public async Task Log_AndAnswers_OfCallsWithSecretsTokensAndFlags_HaveNoneOfThem()
    {
        await using var scene = await FuzzScene.MakeAsync("--logging:logLevel:Microsoft=Trace", "--logging:logLevel:Grpc=Trace");
        var traffic = new Traffic(scene);
        var random = new PCG(1, (ulong)(TestSettings.Seed ?? Random.Shared.Next()));
        var rpcs = Rpc.ServedBy(scene.Daemon.Daemon).Where(rpc => rpc.IsCsi).ToList();
        var (planted, granted, codes) = (new HashSet<string>(), new HashSet<string>(), new HashSet<StatusCode>());
        for (var i = 0; i < CallsOfEach; i++)
        {
            // What is undone as often as it is done leaves nothing to ask things of.
            foreach (var rpc in rpcs.Where(rpc => i % 5 == 4 || !rpc.Undoes))
            {
                // Half of them are right; and a flag that is refused ends a call early, so only some have one.
                var message = i % 3 != 0 ? traffic.Right(rpc, random) : rpc.Read(traffic.Next(rpc, random)) ?? traffic.Right(rpc, random);
                var fields = new HashSet<string>();
                Plant(message, flags: i % 4 == 3, fields);
                var status = await traffic.SendAsync(rpc, message.ToByteArray());
                // The caller may be told the name of a flag that he can't have, and nobody else.
                Assert.DoesNotContain(Secret, status.Detail, StringComparison.OrdinalIgnoreCase);
                planted.UnionWith(fields);
                codes.Add(status.StatusCode);
                if (status.StatusCode == StatusCode.OK)
                    granted.UnionWith(fields);
            }
        }

        // A controller that volumes are published to is none of ours.
        Assert.Empty(FieldsOf(rpcs).Except(planted));
        Assert.Empty(FieldsOf(rpcs.Where(rpc => !RpcTable.IsNeverOk(rpc))).Except(granted));
        Assert.Contains(StatusCode.NotFound, codes);
        Assert.Contains(StatusCode.InvalidArgument, codes);
        var lines = scene.Daemon.Log.GetSnapshot();
        Assert.NotEmpty(lines);
        Assert.DoesNotContain(lines, line => PlantedSecrets.Tells(line, Secret) || PlantedSecrets.Tells(line, Flag));
        await scene.CheckNothingIsLeftAsync();
    }

    [Fact]
    public void Check_OfALogThatTellsWhatTheSuitePlants_Fails()
    {
        var log = FakeLogCollector.Create(new FakeLogCollectorOptions());
        var logger = new FakeLogger(log);
        logger.Log(LogLevel.Trace, default, "nothing", null, static (state, _) => state);
        PlantedSecrets.CheckNoneIn(log);
        logger.Log(LogLevel.Trace, default, Requests.CreateVolume("any"), null, static (state, _) => state.ToString());
        Assert.Throws<InvalidOperationException>(() => PlantedSecrets.CheckNoneIn(log));
    }

    // Every request of the daemon's that has a secret field must have been sent with one.
    private static HashSet<string> FieldsOf(IEnumerable<Rpc> rpcs) =>
        [.. rpcs.SelectMany(rpc => rpc.Request.Fields.InDeclarationOrder()).Where(IsSecret).Select(field => field.FullName)];

    private static bool IsSecret(FieldDescriptor field) => field.GetOptions() is { } options && options.GetExtension(CsiExtensions.CsiSecret);

    private static void Plant(IMessage message, bool flags, HashSet<string> planted)
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            var value = field.Accessor.GetValue(message);
            if (IsSecret(field))
            {
                ((IDictionary)value)[Secret] = Secret;
                planted.Add(field.FullName);
            }
            else if (field.Name is "volume_context" or "publish_context" && value is IDictionary context)
            {
                context[PlantedSecrets.TokenKey] = Secret;
            }
            else if (field.Name == "mount_flags" && flags)
            {
                ((IList)value).Add(Flag);
            }
            else if (value is IMessage inner)
            {
                Plant(inner, flags, planted);
            }
            else if (field is { IsRepeated: true, IsMap: false, FieldType: FieldType.Message } && value is IList items)
            {
                foreach (var item in items.OfType<IMessage>())
                    Plant(item, flags, planted);
            }
        }
    }
}
