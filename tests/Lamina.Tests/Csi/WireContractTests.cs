using System.Globalization;
using Csi.V1;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Lamina.Tests.Csi;

/// <summary>The compiled contract against the table of CSI 1.12 beside this file, row by row and both ways.</summary>
public sealed class WireContractTests
{
    private static readonly string[] Table = [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Csi", "csi-1.12-wire.tsv")).Skip(1)];

    private static readonly string[] Compiled = [.. RowsOf(CsiReflection.Descriptor)];

    [Fact]
    public void Contract_EveryRowOfTheTable_IsCompiled() => Assert.Empty(Table.Except(Compiled));

    [Fact]
    public void Contract_NothingCompiled_IsMissingInTheTable() => Assert.Empty(Compiled.Except(Table));

    [Fact]
    public void Contract_NoRow_IsThereTwice() => Assert.Equal(Table.Length, Compiled.Length);

    private static IEnumerable<string> RowsOf(FileDescriptor file)
    {
        yield return Row("package", file.Package, "", $"syntax {file.ToProto().Syntax}");
        foreach (var extension in file.Extensions.UnorderedExtensions)
            yield return Row("extension", extension.Name, Text(extension.FieldNumber), TypeOf(extension), $"extends={extension.ExtendeeType.FullName}");
        foreach (var service in file.Services)
        {
            yield return Row("service", service.Name, "", "", Alpha(Has(service.GetOptions(), CsiExtensions.AlphaService)));
            foreach (var method in service.Methods)
            {
                var types = $"{Stream(method.IsClientStreaming)}{NameOf(method.InputType)} -> {Stream(method.IsServerStreaming)}{NameOf(method.OutputType)}";
                yield return Row("rpc", $"{service.Name}.{method.Name}", "", types, Alpha(Has(method.GetOptions(), CsiExtensions.AlphaMethod)));
            }
        }
        foreach (var row in file.EnumTypes.SelectMany(RowsOf).Concat(file.MessageTypes.SelectMany(RowsOf)))
            yield return row;
    }

    private static IEnumerable<string> RowsOf(EnumDescriptor type)
    {
        yield return Row("enum", NameOf(type), "", "", Alpha(Has(type.GetOptions(), CsiExtensions.AlphaEnum)));
        foreach (var value in type.Values)
            yield return Row("value", $"{NameOf(type)}.{value.Name}", Text(value.Number), "", Alpha(Has(value.GetOptions(), CsiExtensions.AlphaEnumValue)));
    }

    private static IEnumerable<string> RowsOf(MessageDescriptor type)
    {
        if (type.IsMapEntry)
            yield break;
        yield return Row("message", NameOf(type), "", "", Alpha(Has(type.GetOptions(), CsiExtensions.AlphaMessage)));
        foreach (var field in type.Fields.InDeclarationOrder())
            yield return Row("field", $"{NameOf(type)}.{field.Name}", Text(field.FieldNumber), TypeOf(field), OptionsOf(field));
        foreach (var row in type.EnumTypes.SelectMany(RowsOf).Concat(type.NestedTypes.SelectMany(RowsOf)))
            yield return row;
    }

    private static string OptionsOf(FieldDescriptor field)
    {
        var options = field.GetOptions();
        string?[] marks =
        [
            field.RealContainingOneof is { } oneof ? $"oneof={oneof.Name}" : null,
            Has(options, CsiExtensions.CsiSecret) ? "csi_secret" : null,
            Has(options, CsiExtensions.AlphaField) ? "alpha" : null,
        ];
        return string.Join(',', marks.Where(mark => mark is not null));
    }

    private static string TypeOf(FieldDescriptor field)
    {
        if (field.IsMap)
            return $"map<{ElementOf(field.MessageType.FindFieldByNumber(1))},{ElementOf(field.MessageType.FindFieldByNumber(2))}>";
        return field.IsRepeated ? $"repeated {ElementOf(field)}" : ElementOf(field);
    }

    private static string ElementOf(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Message => NameOf(field.MessageType),
        FieldType.Enum => NameOf(field.EnumType),
        var type => type.ToString().ToLowerInvariant(),
    };

    private static bool Has<T>(T? options, Extension<T, bool> extension)
        where T : IExtendableMessage<T> => options is not null && options.GetExtension(extension);

    // Types of the contract itself go without its package.
    private static string NameOf(IDescriptor type) =>
        type.File.Package == "csi.v1" ? type.FullName["csi.v1.".Length..] : type.FullName;

    private static string Alpha(bool isAlpha) => isAlpha ? "alpha" : "";

    private static string Stream(bool streams) => streams ? "stream " : "";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Row(string kind, string name, string number, string type, string options = "") => $"{kind}\t{name}\t{number}\t{type}\t{options}";
}
