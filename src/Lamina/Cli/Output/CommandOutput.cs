using Google.Protobuf;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Lamina.Cli.Output;

/// <summary>Where the results of a command go: data to standard output, everything else to standard error.</summary>
internal sealed class CommandOutput(CliHost host, bool isJson)
{
    // Wider than any row: a terminal that is too narrow wraps the lines itself, and a pipe gets them whole.
    private const int Width = 10_000;

    /// <summary>Whether the data is for programs.</summary>
    internal bool IsJson => isJson;

    /// <summary>One object: as JSON, or as the command shows it to people.</summary>
    internal void Show(IMessage message, Action forPeople)
    {
        if (isJson)
            host.Out.WriteLine(MessageJson.Write(message));
        else
            forPeople();
    }

    /// <summary>Several objects: as a JSON array, or as a table.</summary>
    internal void Show<T>(IReadOnlyList<T> messages, Func<Table> forPeople)
        where T : IMessage
    {
        if (isJson)
            host.Out.WriteLine(MessageJson.Write(messages.Cast<IMessage>()));
        else
            Render(forPeople());
    }

    /// <summary>One value on a line of its own: exactly as it is for a script, harmless for a terminal.</summary>
    internal void Value(string value) => host.Out.WriteLine(host.OutIsTerminal ? PlainText.Of(value) : value);

    /// <summary>Something that is good to know but not data.</summary>
    internal void Note(string text) => host.Error.WriteLine(PlainText.Of(text));

    /// <summary>What went wrong.</summary>
    internal void Error(string message) => Error(host, message);

    /// <summary>What went wrong, before or without a session.</summary>
    internal static void Error(CliHost host, string message)
    {
        if (message.Length > 0)
            host.Error.WriteLine("lamina: " + string.Join('\n', message.Split('\n').Select(PlainText.Of)));
    }

    /// <summary>A table without lines. Columns whose header ends with <c>&gt;</c> are aligned to the right.</summary>
    internal static Table NewTable(params ReadOnlySpan<string> headers)
    {
        var table = new Table().NoBorder();
        foreach (var header in headers)
        {
            var column = new TableColumn(new Text(header.TrimEnd('>'), new Style(decoration: Decoration.Bold))).NoWrap().Padding(0, 0, 2, 0);
            table.AddColumn(header.EndsWith('>') ? column.RightAligned() : column);
        }
        return table;
    }

    /// <summary>A row of a table.</summary>
    internal static void AddRow(Table table, params IEnumerable<string> cells) => table.AddRow(cells.Select(cell => new Text(PlainText.Of(cell))));

    /// <summary>What is known of one object: a name and a value a line.</summary>
    internal static Table Details(IEnumerable<(string Name, string? Value)> details)
    {
        var table = new Table().NoBorder().HideHeaders().AddColumn(new TableColumn("").NoWrap().Padding(0, 0, 2, 0)).AddColumn(new TableColumn("").NoWrap().Padding(0, 0, 0, 0));
        foreach (var (name, value) in details.Where(detail => detail.Value is not null))
            table.AddRow(new Text(name, new Style(decoration: Decoration.Bold)), new Text(PlainText.Of(value!)));
        return table;
    }

    /// <summary>Draws, in colours where a person looks.</summary>
    internal void Render(IRenderable drawing)
    {
        var inColour = host.OutIsTerminal && host.Environment("NO_COLOR") is null or "" && host.Environment("TERM") != "dumb";
        var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(text),
            Ansi = inColour ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = inColour ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        console.Profile.Width = Width;
        console.Profile.Capabilities.Unicode = true;
        console.Write(drawing);
        foreach (var line in text.ToString().TrimEnd().Split('\n'))
            host.Out.WriteLine(line.TrimEnd());
    }
}
