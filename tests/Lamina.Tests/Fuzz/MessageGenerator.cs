using System.Collections;
using CsCheck;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Lamina.Tests.Fuzz;

/// <summary>Generates messages of any type by its descriptor: fields left out, unset and unknown alternatives, hostile values beside likely ones.</summary>
internal sealed class MessageGenerator(Vocabulary words)
{
    private const int MaxDepth = 5;

    private static readonly Gen<object?> Sizes = Gen.OneOf(1L << 20, 2L << 20, 4L << 20).Select(value => (object?)value);

    private static readonly Gen<object?> Integers = Gen.Frequency<long>(
        (5, Gen.OneOf(0L, 1, -1, 4096, 1 << 20, 3 << 20, 1L << 30)),
        (2, Gen.OneOf(long.MaxValue, long.MinValue, long.MaxValue - 4095, 1L << 62, 1L << 53, int.MaxValue, int.MinValue)),
        (1, Gen.Long)).Select(value => (object?)value);

    /// <summary>A message as it should be encoded: one that has a chance to be granted, or a wild one.</summary>
    internal Gen<IMessage> Message(MessageDescriptor type) => Gen.Frequency<IMessage>((2, Message(type, 0, true)), (1, Message(type, 0, false)));

    /// <summary>One that has a chance.</summary>
    internal Gen<IMessage> Likely(MessageDescriptor type) => Message(type, 0, true);

    /// <summary>Spoils one field of a message that is right: leaves it out, puts something else there, or nearly the same.</summary>
    internal Gen<Action<IMessage>> Spoiler(MessageDescriptor type) => Spoiler(type, 0);

    /// <summary>The bytes of a message, as they should be encoded or damaged.</summary>
    internal static Gen<byte[]> Damaged(byte[] whole) => Gen.Select(Gen.Int[0, 1 << 20], Gen.Int[0, 5], (place, how) => Damage(whole, place, how));

    private static byte[] Damage(byte[] bytes, int place, int how)
    {
        if (bytes.Length == 0)
            return [(byte)place];
        var at = place % bytes.Length;
        byte[] broken = [.. bytes];
        switch (how)
        {
            case 0:
                return bytes[..at];
            case 1:
                return [.. bytes, .. bytes[at..]];
            // A lone surrogate, which UTF-8 can't hold.
            case 2 when at + 3 <= bytes.Length:
                (broken[at], broken[at + 1], broken[at + 2]) = (0xED, 0xA0, 0x80);
                return broken;
            case 3:
                // A field that nobody knows.
                return [.. bytes, 0xFA, 0x7F, 0x02, 0x61, 0x62];
            default:
                broken[at] ^= (byte)(1 << (place % 8));
                return broken;
        }
    }

    private Gen<Action<IMessage>> Spoiler(MessageDescriptor type, int depth)
    {
        var fields = type.Fields.InDeclarationOrder().Select(field => (IGen<Action<IMessage>>)Spoiler(field, depth)).ToArray();
        return fields.Length == 0 || depth == MaxDepth ? Gen.Const<Action<IMessage>>(static _ => { }) : Gen.OneOf<Action<IMessage>>(fields);
    }

    private Gen<Action<IMessage>> Spoiler(FieldDescriptor field, int depth)
    {
        var cleared = Gen.Const<Action<IMessage>>(field.Accessor.Clear);
        var other = Setter(field, depth, false);
        if (field is { FieldType: FieldType.String, IsRepeated: false })
        {
            var near = Gen.Int[0, 9].Select(how => (Action<IMessage>)(message => field.Accessor.SetValue(message, Vocabulary.Miss((string)field.Accessor.GetValue(message), how))));
            return Gen.Frequency<Action<IMessage>>((1, cleared), (3, other), (1, near));
        }
        if (field is not { FieldType: FieldType.Message, IsMap: false } || field.MessageType.File.Package != field.ContainingType.File.Package)
            return Gen.Frequency<Action<IMessage>>((1, cleared), (3, other));
        var within = Spoiler(field.MessageType, depth + 1).Select(spoil => (Action<IMessage>)(message =>
        {
            var value = field.Accessor.GetValue(message);
            foreach (var inner in value is IMessage one ? [one] : value is IList many ? many.OfType<IMessage>() : [])
                spoil(inner);
        }));
        return Gen.Frequency<Action<IMessage>>((1, cleared), (2, other), (5, within));
    }

    private Gen<IMessage> Message(MessageDescriptor type, int depth, bool sane)
    {
        var empty = Gen.Const(0).Select(_ => type.Parser.ParseFrom([]));
        if (depth == MaxDepth)
            return empty;
        var setters = type.Fields.InDeclarationOrder().Where(field => field.RealContainingOneof is null).Select(field => Setter(field, depth, sane))
            .Concat(type.Oneofs.Where(oneof => !oneof.IsSynthetic).Select(oneof => Gen.OneOf<Action<IMessage>>([.. oneof.Fields.Select(field => (IGen<Action<IMessage>>)Setter(field, depth, sane))])));
        return setters.Aggregate(empty, (message, setter) => Gen.Select(message, setter, (target, set) =>
        {
            set(target);
            return target;
        }));
    }

    private Gen<Action<IMessage>> Setter(FieldDescriptor field, int depth, bool sane)
    {
        var unset = Gen.Const<Action<IMessage>>(static _ => { });
        if (field.IsMap)
        {
            var pairs = words.Pairs(field.Name, sane).Array[sane ? 1 : 0, sane ? 1 : 4];
            return Gen.Frequency<Action<IMessage>>((field.Name == "segments" ? 0 : 2, unset), (3, pairs.Select(values => (Action<IMessage>)(message => Fill((IDictionary)field.Accessor.GetValue(message), values)))));
        }
        var value = Value(field, depth, sane);
        if (field.IsRepeated && sane)
            return value.Array[1, 2].Select(values => (Action<IMessage>)(message => Fill((IList)field.Accessor.GetValue(message), values)));
        if (field.IsRepeated)
        {
            var items = Gen.Frequency<object?[]>((9, value.Array[0, 3]), (1, value.Array[4, 20]));
            return items.Select(values => (Action<IMessage>)(message => Fill((IList)field.Accessor.GetValue(message), values)));
        }
        var often = field.FieldType == FieldType.Bool || field.Name.EndsWith("source", StringComparison.Ordinal) ? 1 : sane ? 12 : 6;
        return Gen.Frequency<Action<IMessage>>((1, unset), (often, value.Select(one => (Action<IMessage>)(message => field.Accessor.SetValue(message, one)))));
    }

    private Gen<object?> Value(FieldDescriptor field, int depth, bool sane) => field.FieldType switch
    {
        FieldType.String => words.Text(field, sane).Select(text => (object?)text),
        FieldType.Bool => Gen.Bool.Select(value => (object?)value),
        FieldType.Int64 when sane => Sizes,
        FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 => Integers,
        FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32 => Integers.Select(value => (object?)unchecked((int)(long)value!)),
        FieldType.UInt64 or FieldType.Fixed64 => Integers.Select(value => (object?)unchecked((ulong)(long)value!)),
        FieldType.UInt32 or FieldType.Fixed32 => Integers.Select(value => (object?)unchecked((uint)(long)value!)),
        FieldType.Double => Gen.OneOf<double>(0, 1, -1, 0.5, 30, 1e300, double.NaN, double.PositiveInfinity, double.NegativeInfinity).Select(value => (object?)value),
        FieldType.Float => Gen.OneOf<float>(0, 1, -1, float.NaN, float.PositiveInfinity).Select(value => (object?)value),
        FieldType.Bytes => Gen.Byte.Array[0, 64].Select(bytes => (object?)ByteString.CopyFrom(bytes)),
        // Those that there are, mostly; and numbers that nobody has given a meaning.
        FieldType.Enum => Gen.Frequency<int>(
            (sane ? 20 : 8, Gen.OneOf<int>([.. field.EnumType.Values.Select(one => one.Number)])),
            (1, Gen.OneOf(-1, 99, int.MaxValue, int.MinValue))).Select(number => (object?)number),
        FieldType.Message => Message(field.MessageType, depth + 1, sane).Select(message => (object?)message),
        _ => throw new NotSupportedException($"{field.FullName} is of type {field.FieldType}, for which nothing is generated yet"),
    };

    private static void Fill(IList list, object?[] values)
    {
        foreach (var value in values)
            list.Add(value);
    }

    private static void Fill(IDictionary map, (string Key, string Value)[] pairs)
    {
        foreach (var (key, value) in pairs)
            map[key] = value;
    }
}
