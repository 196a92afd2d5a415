using Google.Protobuf;
using Lamina.Cli;
using Lamina.Cli.Output;
using Lamina.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Cli;

public sealed class OutputTests
{
    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("30s", 30_000)]
    [InlineData("1.5m", 90_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("10", 10_000)]
    public void Duration_Text_IsRead(string text, int milliseconds)
    {
        Assert.True(Duration.TryParse(text, out var duration));
        Assert.Equal(milliseconds, duration.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("1d")]
    [InlineData("1 s")]
    [InlineData("99999999999h")]
    public void Duration_Nonsense_IsNot(string text) => Assert.False(Duration.TryParse(text, out _));

    [Theory]
    [InlineData(-5, "0s")]
    [InlineData(45, "45s")]
    [InlineData(200, "3m")]
    [InlineData(5 * 3600, "5h")]
    [InlineData(47 * 3600, "47h")]
    [InlineData(12 * 86400, "12d")]
    [InlineData(800 * 86400, "2y")]
    public void Age_OfSeconds_IsInTheLargestUnit(int seconds, string expected) => Assert.Equal(expected, Duration.Age(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(0.42, "0.4ms")]
    [InlineData(12.4, "12ms")]
    [InlineData(1250, "1.25s")]
    [InlineData(125_000, "2m5s")]
    public void Span_OfMilliseconds_IsShort(double milliseconds, string expected) => Assert.Equal(expected, Duration.Span(TimeSpan.FromMilliseconds(milliseconds)));

    [Theory]
    [InlineData("plain ünï 🦊👩‍🚀", "plain ünï 🦊👩‍🚀")]
    [InlineData("a\nb\t\u001b[31m", "a\\u000ab\\u0009\\u001b[31m")]
    [InlineData("\u202egnp.exe", "\\u202egnp.exe")]
    public void PlainText_OfAnything_IsHarmless(string text, string expected) => Assert.Equal(expected, PlainText.Of(text));

    [Fact]
    public void Json_OfEveryMessage_CanBeWritten()
    {
        // Whatever a later field is made of: this fails before a user sees it.
        foreach (var type in V1.AdminReflection.Descriptor.MessageTypes)
            Assert.StartsWith("{", MessageJson.Write((IMessage)Activator.CreateInstance(type.ClrType)!), StringComparison.Ordinal);
        var volume = new V1.Volume { Usage = new V1.Usage { UsedBytes = 1 }, Source = new V1.Source { Volume = "é\"" } };
        volume.Labels.Add("b", "2");
        volume.Labels.Add("a", "1");
        var json = System.Text.Json.Nodes.JsonNode.Parse(MessageJson.Write(volume))!;
        Assert.Equal("""{"a":"1","b":"2"}""", json["labels"]!.ToJsonString());
        Assert.Equal("é\"", (string?)json["source"]!["volume"]);
        Assert.Null(json["usage"]!["inodes"]);
    }

    [Fact]
    public async Task Progress_ThatTakesLong_IsShownAtATerminalOnly()
    {
        var slow = new TaskCompletionSource<int>();
        var time = new FakeTimeProvider();
        var (shownText, silentText) = (new StringWriter(), new StringWriter());
        var atTerminal = CliRun.HostOf("") with { ErrorIsTerminal = true, Error = TextWriter.Synchronized(shownText), Time = time };
        var inPipe = CliRun.HostOf("") with { Error = silentText, Time = time };
        var shown = new Progress(atTerminal).ShowAsync("cutting [it]", slow.Task);
        var silent = new Progress(inPipe).ShowAsync("cutting [it]", slow.Task);
        time.Advance(TimeSpan.FromMilliseconds(900));
        Assert.DoesNotContain("cutting", Shown(), StringComparison.Ordinal);

        time.Advance(TimeSpan.FromMilliseconds(200));
        await Eventually.TrueAsync(() => Shown().Contains("cutting [it] ... 1s", StringComparison.Ordinal), "it is shown");
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
                return Shown().Contains("cutting [it] ... 3s", StringComparison.Ordinal);
            },
            "it goes on");
        slow.SetResult(7);

        Assert.Equal((7, 7), (await shown, await silent));
        Assert.Equal("", silentText.ToString());

        // The writer's own lock.
        string Shown()
        {
            lock (atTerminal.Error)
                return shownText.ToString();
        }
    }

    [Fact]
    public async Task Progress_ThatIsQuick_IsNotShown()
    {
        var host = CliRun.HostOf("") with { ErrorIsTerminal = true };

        Assert.Equal(7, await new Progress(host).ShowAsync("quick", Task.FromResult(7)));
        Assert.Equal("", host.Error.ToString());
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("1", false)]
    public void Table_AtATerminal_IsBoldUnlessColourIsUnwanted(string? noColour, bool expected)
    {
        var host = CliRun.HostOf("") with { OutIsTerminal = true, Environment = name => name == "NO_COLOR" ? noColour : null };

        new CommandOutput(host, isJson: false).Render(CommandOutput.NewTable("NAME"));

        Assert.Equal(expected, host.Out.ToString()!.Contains('\u001b', StringComparison.Ordinal));
    }

    [Fact]
    public void Value_AtATerminal_IsHarmlessAndInAPipeExact()
    {
        var terminal = CliRun.HostOf("") with { OutIsTerminal = true };
        var pipe = CliRun.HostOf("");
        new CommandOutput(terminal, isJson: false).Value("a\u001bb");
        new CommandOutput(pipe, isJson: false).Value("a\u001bb");

        Assert.Equal(("a\\u001bb\n", "a\u001bb\n"), (terminal.Out.ToString(), pipe.Out.ToString()));
    }
}
