namespace Lamina.TestRun;

/// <summary>Which programs are run, and with which arguments.</summary>
internal static class Selection
{
    internal static IEnumerable<(string Program, string[] Arguments)> Of(string[] arguments, string[] byDefault, Predicate<string> isProgram)
    {
        if (arguments.Length == 0 || !isProgram(arguments[0]))
            return byDefault.Select(program => (program, arguments));

        var selected = new List<(string Program, List<string> Arguments)>();
        foreach (var argument in arguments)
        {
            if (isProgram(argument))
                selected.Add((argument, []));
            else
                selected[^1].Arguments.Add(argument);
        }
        return selected.Select(one => (one.Program, one.Arguments.ToArray()));
    }
}
