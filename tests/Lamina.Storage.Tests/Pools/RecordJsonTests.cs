using System.Text.Json;
using System.Text.Json.Serialization;
using Lamina.Storage.Pools.Bind;
using Lamina.Storage.Pools.Btrfs;
using Lamina.Storage.Pools.Overlay;

namespace Lamina.Storage.Tests.Pools;

/// <summary>Records of all backends are written by the same rules, although each backend has to say them for itself.</summary>
public sealed class RecordJsonTests
{
    public static TheoryData<string> Backends => ["overlay2", "btrfs", "bind"];

    [Theory]
    [MemberData(nameof(Backends))]
    public void Records_OfEveryBackend_AreOfTheSameRules(string backend)
    {
        var options = backend switch
        {
            "overlay2" => OverlayRecordJson.Default.Options,
            "btrfs" => BtrfsRecordJson.Default.Options,
            _ => BindRecordJson.Default.Options,
        };

        Assert.Same(JsonNamingPolicy.CamelCase, options.PropertyNamingPolicy);
        Assert.Equal(JsonIgnoreCondition.WhenWritingNull, options.DefaultIgnoreCondition);
        Assert.Equal(JsonUnmappedMemberHandling.Disallow, options.UnmappedMemberHandling);
        Assert.True(options.RespectNullableAnnotations);
        Assert.True(options.WriteIndented);
    }
}
