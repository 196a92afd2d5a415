using System.Globalization;
using System.Text;
using Lamina.Storage.Pools.Zfs;

namespace Lamina.Testing;

/// <summary>
/// Commands <c>zfs</c> and <c>zpool</c> that answer as they are told, for what the ZFS of a test machine can't do. What they are not told to answer they
/// refuse, so that a test sees it.
/// </summary>
public sealed class ScriptedZfs
{
    private readonly string _directory = TestScratch.NewDirectory("scripted-zfs");
    private readonly List<string> _cases = [];

    /// <summary>Answers as OpenZFS of that version.</summary>
    public ScriptedZfs(string version = "2.3.2")
    {
        WriteCommands();
        On("zfs version", $"zfs-{version}-2~bpo12+1\nzfs-kmod-{version}-2~bpo12+1\n");
    }

    /// <summary>The commands.</summary>
    public ZfsPrograms Programs => new(Path.Combine(_directory, "zfs"), Path.Combine(_directory, "zpool"));

    /// <summary>What was asked so far, an argument list a line.</summary>
    public IReadOnlyList<string> Asked => File.Exists(LogPath) ? [.. File.ReadAllLines(LogPath)] : [];

    /// <summary>What commands were given to read, a line each: the command, and what it read.</summary>
    public IReadOnlyList<string> Read => File.Exists(ReadPath) ? [.. File.ReadAllLines(ReadPath)] : [];

    private string ReadPath => Path.Combine(_directory, "read");

    private string LogPath => Path.Combine(_directory, "log");

    /// <summary>Answers a command so.</summary>
    /// <param name="command">The command with its arguments; <c>*</c> stands for anything.</param>
    /// <param name="output">What it writes to standard output.</param>
    public ScriptedZfs On(string command, string output = "") => On(command, (0, output, ""));

    /// <summary>Answers a command so, and then so, and with the last of them ever after.</summary>
    public ScriptedZfs On(string command, params (int ExitCode, string Output, string Error)[] answers)
    {
        var number = _cases.Count;
        for (var i = 0; i < answers.Length; i++)
        {
            File.WriteAllText(Of(number, i, "out"), answers[i].Output);
            File.WriteAllText(Of(number, i, "err"), answers[i].Error);
            File.WriteAllText(Of(number, i, "code"), answers[i].ExitCode.ToString(CultureInfo.InvariantCulture));
        }
        var pattern = string.Join('*', command.Split('*').Select(part => part.Length == 0 ? "" : $"'{part.Replace("'", @"'\''", StringComparison.Ordinal)}'"));
        _cases.Add(string.Create(CultureInfo.InvariantCulture, $"{pattern}) answer {number} {answers.Length} ;;"));
        Write();
        return this;
    }

    private string Of(int number, int index, string what) => Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"{number}.{index}.{what}"));

    // What was told last is looked at first. Put in its place in one step, as a command may be reading it.
    private void Write()
    {
        var cases = new StringBuilder("case \"$command\" in\n");
        foreach (var line in _cases.AsEnumerable().Reverse())
            cases.Append(line).Append('\n');
        cases.Append("*) echo \"nobody told how to answer '$command'\" >&2; exit 99 ;;\nesac\n");
        var path = Path.Combine(_directory, "cases");
        File.WriteAllText(path + ".new", cases.ToString());
        File.Move(path + ".new", path, overwrite: true);
    }

    // Only once: what is being written can't be run.
    private void WriteCommands()
    {
        var script = new StringBuilder("#!/bin/sh\ncd ").Append(_directory).Append(
            """

            command="${0##*/} $*"
            printf '%s\n' "$command" >> log
            if read -r input; then printf '%s < %s\n' "$command" "$input" >> read; fi
            answer() {
                n=$(cat "$1.count" 2>/dev/null || echo 0)
                echo $((n + 1)) > "$1.count"
                [ "$n" -lt "$2" ] || n=$(($2 - 1))
                cat "$1.$n.out"; cat "$1.$n.err" >&2; exit "$(cat "$1.$n.code")"
            }
            . ./cases

            """);
        foreach (var path in (string[])[Programs.Zfs, Programs.Zpool])
        {
            File.WriteAllText(path, script.ToString());
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
