namespace Lamina.Linux;

/// <summary>Signals. See signal(7).</summary>
public enum Signal
{
    /// <summary>Nothing is sent, only whether it could be is told.</summary>
    None = 0,
    /// <summary>Ends the process, which can't prevent it.</summary>
    Kill = 9,
    /// <summary>Asks the process to end.</summary>
    Terminate = 15,
    /// <summary>Lets it run again.</summary>
    Continue = 18,
    /// <summary>Stops all its threads, which can't prevent it.</summary>
    Stop = 19,
}
