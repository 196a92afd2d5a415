using Lamina.Linux;
using Lamina.Storage.Pools.Zfs;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>What OpenZFS 2.3 said when it was asked, as tests/guest/record-zfs.sh has recorded it, and what it is to the domain.</summary>
public sealed class ZfsDialogueTests
{
    private static readonly string s_path = Path.Combine(AppContext.BaseDirectory, "Pools", "Zfs", "openzfs-2.3.dialogue");

    public static TheoryData<string, string> Refusals =>
        [.. Read().Where(entry => entry.Expected != "answer").Select(entry => (entry.Command, entry.Expected))];

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Refusal_IsWhatTheDomainUnderstands(string command, string expected)
    {
        var (_, _, answer) = Read().First(entry => entry.Command == command && entry.Expected == expected);

        var failure = ZfsFailure.Of(command, answer);

        Assert.False(answer.Succeeded);
        Assert.Equal(expected, failure.IsTransient ? $"{failure.Error} transient" : $"{failure.Error}");
        Assert.Contains(answer.Error.Split("\nusage:")[0].TrimEnd(), failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("usage:", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Version_IsUnderstood()
    {
        var answer = Read().First(entry => entry is { Command: "zfs version", Expected: "answer" }).Answer;

        Assert.Equal("OpenZFS 2.3", ZfsDialect.Parse(answer).ToString());
    }

    private static IEnumerable<(string Command, string Expected, ChildResult Answer)> Read()
    {
        var (expected, command, output, error) = ("", "", "", "");
        foreach (var line in File.ReadLines(s_path))
        {
            var text = line.Length > 2 ? line[2..] : "";
            switch (line[0])
            {
                case '#':
                    (expected, command, output, error) = (text, "", "", "");
                    break;
                case '$':
                    command = text;
                    break;
                case '1':
                    output += text + "\n";
                    break;
                case '2':
                    error += text + "\n";
                    break;
                case '=':
                    yield return (command, expected, new ChildResult(int.Parse(text, null), output, error));
                    break;
                default:
                    throw new FormatException($"The dialogue has a line that is nothing: {line}");
            }
        }
    }
}
