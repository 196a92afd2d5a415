namespace Lamina.Cli.Completion;

/// <summary>
/// The scripts that teach a shell to complete <c>lamina</c>. Each hands the line up to the cursor to <c>lamina complete</c> and offers what comes
/// back; a name is data there, and never evaluated.
/// </summary>
internal static class CompletionScripts
{
    /// <summary>The shells that there is a script for.</summary>
    internal static readonly string[] Shells = ["bash", "zsh", "fish"];

    /// <summary>The script of a shell.</summary>
    internal static string Of(string shell) => shell switch
    {
        "bash" => Bash,
        "zsh" => Zsh,
        _ => Fish,
    };

    private const string Bash = """
        # bash completion for lamina; to have it always: lamina completion bash > /etc/bash_completion.d/lamina
        _lamina() {
            local line="${COMP_LINE:0:COMP_POINT}" word="${COMP_WORDS[COMP_CWORD]}" candidate
            # Without the command itself, and whatever came before it: sudo, or the path that it was called by.
            line="${line#*"${COMP_WORDS[0]}"}"
            COMPREPLY=()
            while IFS= read -r candidate; do
                [[ $candidate == "$word"* ]] && COMPREPLY+=("$(printf '%q' "$candidate")")
            done < <("${COMP_WORDS[0]}" complete -- "${line# }" 2>/dev/null)
        }
        complete -o default -F _lamina lamina

        """;

    private const string Zsh = """
        #compdef lamina
        # zsh completion for lamina; to have it always: lamina completion zsh > /usr/share/zsh/site-functions/_lamina
        _lamina() {
            local -a candidates
            candidates=("${(@f)$("${words[1]}" complete -- "${(j: :)words[2,CURRENT]}" 2>/dev/null)}")
            candidates=("${(@)candidates:#}")
            (( ${#candidates} )) && compadd -- "${candidates[@]}" || _files
        }
        if [ "$funcstack[1]" = "_lamina" ]; then _lamina; else compdef _lamina lamina; fi

        """;

    private const string Fish = """
        # fish completion for lamina; to have it always: lamina completion fish > /etc/fish/completions/lamina.fish
        function __lamina_complete
            set -l line (commandline -cp | string replace -r '^\s*\S+\s?' '')
            lamina complete -- "$line" 2>/dev/null
        end
        complete -c lamina -f -a '(__lamina_complete)'

        """;
}
