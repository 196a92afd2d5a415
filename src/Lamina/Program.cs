return await Lamina.Cli.LaminaCommand.RunAsync(args);
