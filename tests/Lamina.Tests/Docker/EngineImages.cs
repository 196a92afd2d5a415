using System.Globalization;
using Lamina.Testing;

namespace Lamina.Tests.Docker;

/// <summary>Root directories of images, made from what is installed here: nothing is downloaded.</summary>
internal static class EngineImages
{
    private static readonly Lazy<Task<string>> s_busybox = new(() => MakeAsync("busybox", """
        mkdir -p "$root/bin" "$root/content" "$root/tmp"
        cp /bin/busybox "$root/bin/"
        for applet in $(/bin/busybox --list); do [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"; done
        echo from the image > "$root/content/file"
        chown 1000:1000 "$root/content" "$root/content/file"
        """));

    private static readonly Lazy<Task<string>> s_postgres = new(() => MakeAsync("postgres", """
        bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1); version=$(basename "$(dirname "$bin")")
        mkdir -p "$root/bin" "$root/tmp" "$root/etc" "$root/var/run/postgresql" "$root/var/lib/postgresql/data"
        cp /bin/busybox "$root/bin/"
        for applet in $(/bin/busybox --list); do [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"; done
        cp -a --parents "/usr/lib/postgresql/$version/bin" "/usr/lib/postgresql/$version/lib" "/usr/share/postgresql/$version" /usr/share/zoneinfo "$root"
        rm -rf "$root/usr/lib/postgresql/$version/lib/bitcode"
        for file in "$bin"/postgres "$bin"/initdb "$bin"/psql "$bin"/pgbench "$bin"/pg_ctl /usr/lib/postgresql/"$version"/lib/*.so; do ldd "$file"; done 2>/dev/null |
            grep -o '/[^ ]*' | grep -v '^/usr/lib/postgresql' | sort -u | while read -r library; do cp -L --parents "$library" "$root"; done
        ln -s "/usr/lib/postgresql/$version/bin" "$root/pg"
        printf 'root:x:0:0::/:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n' > "$root/etc/passwd"
        chown 999:999 "$root/var/lib/postgresql" "$root/var/lib/postgresql/data" "$root/var/run/postgresql"; chmod 1777 "$root/tmp"
        """));

    /// <summary>A shell with the usual commands, and <c>/content/file</c> that user 1000 owns.</summary>
    internal static Task<string> BusyboxAsync() => s_busybox.Value;

    /// <summary>A PostgreSQL, in <c>/pg</c>.</summary>
    internal static Task<string> PostgresAsync() => s_postgres.Value;

    private static async Task<string> MakeAsync(string name, string script)
    {
        var tar = TestScratch.NewPath(string.Create(CultureInfo.InvariantCulture, $"{name}.tar"));
        (await EngineRun.RunAsync("bash", "-euc", $"root=$1.d; {script}\ntar -C \"$root\" -cf \"$1\" .; rm -rf \"$root\"", "bash", tar)).OutOf($"the image {name}");
        return tar;
    }
}
