using System.CommandLine;
using System.CommandLine.Completions;
using Lamina.Storage;

namespace Lamina.Cli;

/// <summary>Options and arguments whose values are more than text.</summary>
internal static class Values
{
    /// <summary>A size such as <c>10Gi</c>.</summary>
    internal static Option<ByteSize?> Size(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result => Parse(result, ByteSize.Parse),
    };

    /// <summary>A size that must be given.</summary>
    internal static Argument<ByteSize> SizeArgument(string name, string description) => new(name)
    {
        Description = description,
        HelpName = name,
        CustomParser = result => Parse(result, ByteSize.Parse) ?? default,
    };

    /// <summary>A duration such as <c>30s</c>.</summary>
    internal static Option<TimeSpan?> Duration(string name, string description, bool recursive = false) => new(name)
    {
        Description = description,
        HelpName = "DURATION",
        Recursive = recursive,
        CustomParser = result =>
        {
            if (Cli.Duration.TryParse(result.Tokens[0].Value, out var duration) && duration > TimeSpan.Zero)
                return duration;
            result.AddError($"'{result.Tokens[0].Value}' is not {Cli.Duration.Grammar}");
            return null;
        },
    };

    /// <summary>Any number of <c>key=value</c>.</summary>
    internal static Option<Dictionary<string, string>> Pairs(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "KEY=VALUE",
        Arity = ArgumentArity.ZeroOrMore,
        DefaultValueFactory = _ => [],
        CustomParser = result =>
        {
            var pairs = new Dictionary<string, string>();
            foreach (var text in result.Tokens.Select(token => token.Value))
            {
                var equals = text.IndexOf('=', StringComparison.Ordinal);
                if (equals <= 0)
                    result.AddError($"'{text}' is not of the form KEY=VALUE");
                else if (!pairs.TryAdd(text[..equals], text[(equals + 1)..]))
                    result.AddError($"'{text[..equals]}' is given twice");
            }
            return pairs;
        },
    };

    /// <summary>Plain text, completed from a source.</summary>
    internal static Option<string?> Text(string name, string description, string helpName, Func<CompletionContext, IEnumerable<string>>? completions = null)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = helpName };
        if (completions is not null)
            option.CompletionSources.Add(completions);
        return option;
    }

    /// <summary>A name, completed from a source.</summary>
    internal static Argument<string> Name(string name, string description, Func<CompletionContext, IEnumerable<string>>? completions = null)
    {
        var argument = new Argument<string>(name) { Description = description, HelpName = name };
        if (completions is not null)
            argument.CompletionSources.Add(completions);
        return argument;
    }

    /// <summary>One name or several, completed from a source.</summary>
    internal static Argument<string[]> Names(string name, string description, Func<CompletionContext, IEnumerable<string>> completions)
    {
        var argument = new Argument<string[]>(name) { Description = description, HelpName = name, Arity = ArgumentArity.OneOrMore };
        argument.CompletionSources.Add(completions);
        return argument;
    }

    private static T? Parse<T>(System.CommandLine.Parsing.ArgumentResult result, Func<string, T> parse)
        where T : struct
    {
        try
        {
            return parse(result.Tokens[0].Value);
        }
        catch (StorageException e)
        {
            result.AddError(e.Message);
            return null;
        }
    }
}
