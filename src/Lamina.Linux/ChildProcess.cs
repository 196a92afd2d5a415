using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Lamina.Linux;

/// <summary>
/// Runs commands to their end; what runs beside us is a <see cref="CompanionProcess"/>, and nobody else starts processes. There is no shell, arguments go as they are; the language is that of LC_ALL=C, the
/// working directory the root, so that a child pins no mount, and there is nothing to read but what it is given.
/// </summary>
public static class ChildProcess
{
    /// <summary>The most that a command may write to either stream, in characters.</summary>
    public const int MaxOutput = 64 * 1024 * 1024;

    // Where system tools are, for a daemon that was started with a short PATH.
    private const string SystemDirectories = "/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>Runs a command to its end.</summary>
    /// <param name="file">A path, or a name to be found in PATH or the system's directories.</param>
    /// <param name="arguments">As they are.</param>
    /// <param name="cancellationToken">Kills the command with all its children, and waits for it, before it throws.</param>
    /// <param name="input">What it reads, as what must not stand in its arguments, where everybody sees it; null: nothing.</param>
    /// <returns>How it ended; any exit code is a result and not an error.</returns>
    /// <exception cref="LinuxException">
    /// ENOENT or EACCES when it can't be started; EOVERFLOW when it wrote too much, and was killed.
    /// </exception>
    public static Task<ChildResult> RunAsync(string file, IReadOnlyList<string> arguments, CancellationToken cancellationToken, string? input = null) =>
        RunReadAsync(file, arguments, ReadAsync, input, cancellationToken);

    /// <summary>Runs a command to its end that may write more than would be kept at once.</summary>
    /// <param name="file">As for the other.</param>
    /// <param name="arguments">As they are.</param>
    /// <param name="line">Takes what it writes to its standard output, a line at a time, while it runs.</param>
    /// <param name="cancellationToken">As for the other.</param>
    /// <returns>How it ended, without its output.</returns>
    /// <exception cref="LinuxException">As the other; EOVERFLOW only for what it wrote to standard error.</exception>
    public static Task<ChildResult> RunByLineAsync(string file, IReadOnlyList<string> arguments, Action<string> line, CancellationToken cancellationToken) =>
        RunReadAsync(file, arguments, (output, tooMuch) => ReadLinesAsync(output, line, tooMuch), null, cancellationToken);

    private static async Task<ChildResult> RunReadAsync(
        string file, IReadOnlyList<string> arguments, Func<StreamReader, CancellationTokenSource, Task<string>> readAsync, string? input, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        // By the command's name alone, as its arguments may be anything.
        using var span = LinuxTrace.Source.StartActivity($"run {Path.GetFileName(file)}", ActivityKind.Client);
        using var process = Start(file, arguments);
        try
        {
            await WriteAsync(process, input).ConfigureAwait(false);
            using var tooMuch = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var output = readAsync(process.StandardOutput, tooMuch);
            var error = ReadAsync(process.StandardError, tooMuch);
            var texts = await Task.WhenAll(output, error).ConfigureAwait(false);
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            span?.SetTag("process.exit.code", process.ExitCode);
            return new ChildResult(process.ExitCode, texts[0], texts[1]);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LinuxException($"run {file}", Errno.EOVERFLOW, $"it wrote more than {MaxOutput} characters");
        }
        finally
        {
            await EndAsync(process).ConfigureAwait(false);
        }
    }

    /// <summary>Whether there is such a command.</summary>
    /// <param name="file">As for <see cref="RunAsync"/>.</param>
    public static bool Exists(string file)
    {
        try
        {
            return Resolve(file).Length > 0;
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT)
        {
            return false;
        }
    }

    private static Process Start(string file, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(Resolve(file))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = "/",
        };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["LC_ALL"] = "C";
        start.Environment.Remove("LANGUAGE");
        if (Correlation.Current is { } call)
            start.Environment[Correlation.Variable] = call;
        try
        {
#pragma warning disable RS0030 // This is the one place.
            return Process.Start(start) ?? throw new LinuxException($"run {file}", Errno.ECHILD);
#pragma warning restore RS0030
        }
        catch (Win32Exception e)
        {
            throw new LinuxException($"run {file}", (Errno)e.NativeErrorCode);
        }
    }

    internal static string Resolve(string file)
    {
        if (file.Contains('/'))
            return file;
        var directories = $"{Environment.GetEnvironmentVariable("PATH")}:{SystemDirectories}";
        foreach (var directory in directories.Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            var path = $"{directory}/{file}";
            if (Files.TryStat(path) is { Kind: FileKind.Regular, Mode: var mode } && (mode & 0x49 /* 0111 */) != 0)
                return path;
        }
        throw new LinuxException($"run {file}", Errno.ENOENT);
    }

    private static async Task WriteAsync(Process process, string? input)
    {
        try
        {
            if (input is not null)
                await process.StandardInput.WriteAsync(input).ConfigureAwait(false);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended without reading, and says why by itself.
        }
    }

    private static async Task<string> ReadAsync(StreamReader reader, CancellationTokenSource tooMuch)
    {
        var text = new StringBuilder();
        var buffer = new char[16 * 1024];
        int length;
        while ((length = await reader.ReadAsync(buffer, tooMuch.Token).ConfigureAwait(false)) > 0)
        {
            text.Append(buffer, 0, length);
            if (text.Length > MaxOutput)
                await tooMuch.CancelAsync().ConfigureAwait(false);
        }
        return text.ToString();
    }

    private static async Task<string> ReadLinesAsync(StreamReader reader, Action<string> line, CancellationTokenSource tooMuch)
    {
        while (await reader.ReadLineAsync(tooMuch.Token).ConfigureAwait(false) is { } text)
            line(text);
        return "";
    }

    private static async Task EndAsync(Process process)
    {
        if (process.HasExited)
            return;
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself meanwhile.
        }
        // A killed process ends, unless the kernel holds it; then nothing is to be gained by leaving it behind.
        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
    }
}
