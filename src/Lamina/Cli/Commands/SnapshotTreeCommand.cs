using System.CommandLine;
using Lamina.Cli.Completion;
using Lamina.Cli.Output;
using Spectre.Console;

namespace Lamina.Cli.Commands;

/// <summary><c>lamina snapshot tree</c>: the families of volumes, snapshots and clones, drawn.</summary>
internal static class SnapshotTreeCommand
{
    /// <summary>Builds the command.</summary>
    internal static Command Build(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var volume = new Argument<string?>("VOLUME") { Description = "Only the family of this volume", HelpName = "VOLUME", Arity = ArgumentArity.ZeroOrOne };
        volume.CompletionSources.Add(names.Volumes);
        var command = new Command("tree", "Draw who comes from whom: volumes, snapshots, clones, with their sizes") { volume };
        Session.SetAction(command, host, globals, async session =>
        {
            var request = new V1.GetTreeRequest();
            if (session.Parse.GetValue(volume) is { } name)
                request.Volume = name;
            var nodes = await session.CollectAsync("reading the tree", session.Daemon.Tree.Get(request, session.Call));
            if (session.Output.IsJson)
            {
                session.Output.Show(nodes, () => new Table());
                return;
            }
            foreach (var tree in Draw(nodes, host.Time.GetUtcNow()))
                session.Output.Render(tree);
        });
        return command;
    }

    private static List<Tree> Draw(IReadOnlyList<V1.TreeNode> nodes, DateTimeOffset now)
    {
        var trees = new List<Tree>();
        var drawn = new List<IHasTreeNodes>();
        foreach (var node in nodes)
        {
            var text = new Markup(TextOf(node, now));
            if (node.HasParent)
            {
                var child = new TreeNode(text);
                drawn[node.Parent].Nodes.Add(child);
                drawn.Add(child);
            }
            else
            {
                var tree = new Tree(text);
                trees.Add(tree);
                drawn.Add(tree);
            }
        }
        return trees;
    }

    private static string TextOf(V1.TreeNode node, DateTimeOffset now)
    {
        var kind = node.Kind switch
        {
            V1.NodeKind.Snapshot => "[blue]snapshot[/]",
            V1.NodeKind.Clone => "[green]clone[/]",
            _ => "[green]volume[/]",
        };
        var name = $"{kind} [bold]{Markup.Escape(PlainText.Of(node.Name))}[/]";
        if (node.Deleted)
            return $"{name} (deleted)";
        var size = node.Kind == V1.NodeKind.Snapshot ? null : node.HasSizeBytes ? Sizes.Text(node.SizeBytes) : "no limit";
        var used = !node.HasUsedBytes ? null : $"{(node.Kind == V1.NodeKind.Snapshot ? "holds" : "uses")} {Sizes.Text(node.UsedBytes)}";
        string?[] details = [size, used, Duration.Age(now - node.CreatedAt.ToDateTimeOffset()), node.HasPath ? $"at {node.Path}" : null, node.HasGroup ? $"of group {node.Group}" : null];
        return $"{name}  {Markup.Escape(PlainText.Of(string.Join(", ", details.OfType<string>())))}";
    }
}
