using System.CommandLine;
using Lamina.Cli.Completion;

namespace Lamina.Cli.Commands;

/// <summary><c>lamina volume modify</c>.</summary>
internal static class VolumeModifyCommand
{
    /// <summary>Builds the command.</summary>
    internal static Command Build(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var name = Values.Name("VOLUME", "Its name or id", names.Volumes);
        var attributes = Values.Pairs("--set", "What is to change: compression (btrfs, zfs), recordsize, atime, logbias (zfs); may be repeated");
        attributes.Required = true;
        var command = new Command("modify", "Change a volume, in use or not; what is written already stays as it is") { name, attributes };
        Session.SetAction(command, host, globals, async session =>
        {
            var request = new V1.ModifyVolumeRequest { Volume = session.Parse.GetRequiredValue(name) };
            request.Attributes.Add(session.Parse.GetRequiredValue(attributes));
            await VolumeCreateCommands.ShowAsync(session, "modifying", session.Daemon.Volumes.ModifyAsync(request, session.Call));
        });
        return command;
    }
}
