using System.Text;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.Reflection;
using Lamina.Storage;

namespace Lamina.Csi.Requests;

/// <summary>How long the strings and maps of a request may be. The same for every call, so it is read off the message itself.</summary>
internal static class RequestLimits
{
    private const int MaxString = 128;
    private const int MaxNodeId = 256;
    private const int MaxPath = 4095;
    private const int MaxTogether = 4096;

    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>, naming the field and never what it holds.</exception>
    internal static void Check(IMessage message)
    {
        // Such as a probe. What a daemon that is only ever probed never asks for is the description of all messages, which takes five megabytes.
        if (message.CalculateSize() == 0)
            return;
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            switch (field.Accessor.GetValue(message))
            {
                case MapField<string, string> map:
                    Check(field, map.Sum(pair => (long)BytesIn(pair.Key) + BytesIn(pair.Value)), MaxTogether);
                    break;
                case RepeatedField<string> list when field.Name != "mount_flags":
                    foreach (var text in list)
                        Check(field, BytesIn(text), LimitOf(field.Name));
                    break;
                case RepeatedField<string> list:
                    Check(field, list.Sum(text => (long)BytesIn(text)), MaxTogether);
                    break;
                case string text:
                    Check(field, BytesIn(text), LimitOf(field.Name));
                    break;
                case IMessage inner:
                    Check(inner);
                    break;
                case System.Collections.IEnumerable items when field is { IsRepeated: true, FieldType: FieldType.Message }:
                    foreach (var item in items.OfType<IMessage>())
                        Check(item);
                    break;
            }
        }
    }

    private static void Check(FieldDescriptor field, long bytes, int limit)
    {
        if (bytes > limit)
            throw new StorageException(StorageError.InvalidArgument, $"the field {field.Name} holds {bytes} bytes; at most {limit} are allowed");
    }

    private static int BytesIn(string text) => Encoding.UTF8.GetByteCount(text);

    private static int LimitOf(string field) => field switch
    {
        "node_id" => MaxNodeId,
        // The list itself says what it thinks of a token that it never gave.
        "starting_token" => int.MaxValue,
        _ => field.EndsWith("_path", StringComparison.Ordinal) ? MaxPath : MaxString,
    };
}
