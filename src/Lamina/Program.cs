using Lamina.Hosting;
using Lamina.Storage.Pauses;

// Before anything heavy is loaded: this process does nothing but wait, as long as the daemon lives.
if (args is [PauseRegistration.Command, var runtimeDirectory])
    return PauseWatcher.Run(runtimeDirectory, Console.OpenStandardInput());

return await Lamina.Cli.LaminaCommand.RunAsync(args);
