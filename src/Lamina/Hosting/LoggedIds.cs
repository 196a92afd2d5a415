using System.Collections.Concurrent;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Lamina.Hosting;

/// <summary>What of a request may stand in the log: the names, ids and paths that say which object it is about, and no other field.</summary>
internal static class LoggedIds
{
    private static readonly string[] Names =
    [
        "name", "volume_id", "snapshot_id", "base_snapshot_id", "target_snapshot_id", "group_snapshot_id", "source_volume_id", "volume_path", "staging_target_path", "target_path",
        // The admin API's.
        "volume", "snapshot", "group", "pool", "id",
    ];

    private static readonly ConcurrentDictionary<MessageDescriptor, FieldDescriptor[]> Fields = [];

    /// <summary>Such as <c>volume_id=abc.data target_path=/var/lib/kubelet/…</c>; a dash when the request names nothing.</summary>
    internal static string Of(IMessage request)
    {
        // Without the descriptor, as in RequestLimits.
        if (request.CalculateSize() == 0)
            return "-";
        var fields = Fields.GetOrAdd(request.Descriptor, static descriptor =>
            [.. Names.Select(descriptor.FindFieldByName).Where(field => field is { FieldType: FieldType.String, IsRepeated: false })]);
        var named = fields
            .Select(field => (field.Name, Value: (string)field.Accessor.GetValue(request)))
            .Where(field => field.Value.Length > 0)
            .Select(field => $"{field.Name}={LoggedText.Clean(field.Value)}");
        return string.Join(' ', named) is { Length: > 0 } text ? text : "-";
    }
}
