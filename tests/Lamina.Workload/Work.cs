namespace Lamina.Workload;

/// <summary>Runs work on a thread until standard input ends.</summary>
internal static class Work
{
    /// <param name="work">Says <see cref="Ready"/> when it has begun, and ends soon after it is told to.</param>
    internal static int UntilInputEnds(Action<Func<bool>> work)
    {
        var stopping = false;
        var thread = new Thread(() => work(() => Volatile.Read(ref stopping)));
        thread.Start();
        Span<byte> buffer = stackalloc byte[16];
        using var input = Console.OpenStandardInput();
        while (input.Read(buffer) > 0)
        {
            // Nothing is said to us.
        }
        Volatile.Write(ref stopping, true);
        thread.Join();
        return 0;
    }

    internal static void Ready() => Console.WriteLine("ready");
}
