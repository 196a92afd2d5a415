using System.Globalization;
using System.Text.RegularExpressions;
using Lamina.Cli;
using Lamina.Hosting;

namespace Lamina.Tests;

/// <summary>The tables of README.md say what the program does.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public void Configuration_OfTheReadme_NamesEveryKeyAndItsDefault()
    {
        var options = new LaminaOptions();
        List<(string Key, string Default)> keys =
        [
            // Where the configuration itself is read from is no option of what is read.
            ("configurationFile", ""),
            .. KeysOf("", options), .. KeysOf("csi:", options.Csi), .. KeysOf("admin:", options.Admin), .. KeysOf("docker:", options.Docker), .. KeysOf("zfs:", options.Zfs), .. KeysOf("metrics:", options.Metrics), .. KeysOf("cluster:", options.Cluster), .. KeysOf("pools:NAME:", new PoolOptions()),
        ];

        var rows = RowsBelow("## Configuration").Select(row => (Key: row[0].Trim('`'), Default: row[1].StartsWith('`') && row[1].EndsWith('`') ? row[1].Trim('`') : ""));

        Assert.Equal(keys.Order(), rows.Order());
    }

    [Fact]
    public void ExitCodes_OfTheReadme_AreThoseOfTheProgram() => Assert.Equal(
        ExitCodes.All.Select(code => ((int)code.Code).ToString(CultureInfo.InvariantCulture) + ": " + code.Meaning),
        RowsBelow("| Exit code | Meaning |").Select(row => $"{row[0]}: {row[1]}"));

    // Values that have no text of their own are told in words, and a section is told key by key.
    private static IEnumerable<(string Key, string Default)> KeysOf(string prefix, object options) => options.GetType().GetProperties()
        .Where(property => property.PropertyType.Namespace != typeof(LaminaOptions).Namespace && property.Name != nameof(LaminaOptions.Pools))
        .Select(property => (prefix + char.ToLowerInvariant(property.Name[0]) + property.Name[1..], TextOf(property.GetValue(options))));

    private static string TextOf(object? value) => value switch
    {
        bool isOn => isOn ? "true" : "false",
        string or long or TimeSpan => string.Format(CultureInfo.InvariantCulture, "{0}", value),
        _ => "",
    };

    // The first table at or below a line, without its head.
    private static IEnumerable<string[]> RowsBelow(string line) => File.ReadLines(Repository.PathOf("README.md"))
        .SkipWhile(text => text != line)
        .SkipWhile(text => !text.StartsWith("|---", StringComparison.Ordinal)).Skip(1)
        .TakeWhile(text => text.StartsWith('|'))
        .Select(text => Regex.Split(text.Trim('|'), @"\|").Select(cell => cell.Trim()).ToArray());
}
