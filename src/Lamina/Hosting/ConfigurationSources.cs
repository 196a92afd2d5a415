using System.Collections;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Lamina.Hosting;

/// <summary>Where the configuration comes from.</summary>
internal static partial class ConfigurationSources
{
    private const string DefaultDirectory = "/etc/lamina";
    private const string Prefix = "LAMINA_";

    /// <summary>The sources, each over the ones before: <c>lamina.json</c>, the files of <c>conf.d</c> by name, the environment, the arguments.</summary>
    /// <exception cref="ConfigurationException">A file can't be read.</exception>
    internal static IConfigurationRoot Load(string[] arguments)
    {
        var variables = Variables();
        var early = new ConfigurationBuilder().AddInMemoryCollection(variables).AddCommandLine(arguments).Build();
        var directory = early["configurationDirectory"] ?? DefaultDirectory;
        var errors = new List<string>();
        var builder = new ConfigurationBuilder();
        // A file that was named must be there; the usual one may be missing.
        AddFile(builder, Path.GetFullPath(early["configurationFile"] ?? Path.Combine(directory, "lamina.json")), optional: early["configurationFile"] is null, errors);
        var dropIns = Path.Combine(directory, "conf.d");
        if (Directory.Exists(dropIns))
        {
            foreach (var file in Directory.GetFiles(dropIns, "*.json").Order(StringComparer.Ordinal))
                AddFile(builder, file, optional: false, errors);
        }
        if (errors.Count > 0)
            throw new ConfigurationException(errors);
        if (Environment.GetEnvironmentVariable("CSI_ENDPOINT") is { Length: > 0 } endpoint)
            builder.AddInMemoryCollection([new("csi:endpoint", endpoint)]);
        return builder.AddInMemoryCollection(variables).AddCommandLine(arguments).Build();
    }

    private static void AddFile(ConfigurationBuilder builder, string file, bool optional, List<string> errors)
    {
        if (optional && !File.Exists(file))
            return;
        try
        {
            builder.AddConfiguration(new ConfigurationBuilder().AddJsonFile(file, optional: false, reloadOnChange: false).Build());
        }
        catch (FileNotFoundException)
        {
            errors.Add($"{file}: there is no such file");
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            errors.Add($"{file}{Describe(e)}");
        }
    }

    // The place is at the bottom of several exceptions, in the words of a program that counts from 0.
    private static string Describe(Exception error)
    {
        var inner = error.GetBaseException();
        return inner is JsonException { LineNumber: { } line, BytePositionInLine: { } position }
            ? FormattableString.Invariant($", line {line + 1}, byte {position + 1}: {inner.Message.Split(" LineNumber:")[0]}")
            : $": {inner.Message}";
    }

    // As .NET reads them, but without those that Kubernetes sets for a service whose name begins with 'lamina': they are not meant for us.
    private static Dictionary<string, string?> Variables()
    {
        var variables = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            var name = (string)variable.Key;
            if (name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && !ServiceVariable().IsMatch(name))
                variables[name[Prefix.Length..].Replace("__", ":", StringComparison.Ordinal)] = (string?)variable.Value;
        }
        return variables;
    }

    [GeneratedRegex("^LAMINA(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$", RegexOptions.CultureInvariant)]
    private static partial Regex ServiceVariable();
}
