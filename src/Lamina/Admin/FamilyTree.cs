using Google.Protobuf.WellKnownTypes;
using Lamina.Storage;
using Lamina.Storage.Attachments;

namespace Lamina.Admin;

/// <summary>
/// Who comes from whom: volumes, their snapshots, what was restored and cloned from either. What is gone but still named by its children is in
/// the tree as well, as that is what holds a family together.
/// </summary>
/// <remarks>
/// Ids are made from names, so a name that was used again has the id of its predecessor. A snapshot knows which of them its volume is. Else a parent is never
/// younger than its child: where the object of that id is younger, it is another one, and the parent is gone.
/// </remarks>
internal sealed class FamilyTree(Catalog catalog, AttachmentService attachments, AdminMessages messages)
{
    /// <summary>All families, depth first.</summary>
    internal IReadOnlyList<V1.TreeNode> Build()
    {
        // Taken once: what comes and goes meanwhile is in all of the tree or in none of it.
        var volumes = catalog.Volumes().ToList();
        var snapshots = catalog.Snapshots().ToList();
        var members = new Dictionary<(bool IsSnapshot, string Id, bool Deleted), Member>();
        foreach (var node in volumes.Select(NodeOf).Concat(snapshots.Select(NodeOf)))
            Add(members, node);
        foreach (var volume in volumes)
        {
            if (volume.Source?.Snapshot is { } restored)
                Connect(members, members[(false, volume.Id.ToString(), false)], isSnapshot: true, restored.ToString(), restored.Key, restored.Pool);
            else if (volume.Source?.Volume is { } cloned)
                Connect(members, members[(false, volume.Id.ToString(), false)], isSnapshot: false, cloned.ToString(), cloned.Key, cloned.Pool);
        }
        var present = volumes.ToDictionary(volume => volume.Id);
        foreach (var snapshot in snapshots)
        {
            var source = snapshot.SourceVolume;
            Connect(members, members[(true, snapshot.Id.ToString(), false)], isSnapshot: false, source.ToString(), source.Key, source.Pool,
                isThere: present.TryGetValue(source, out var volume) && snapshot.IsOf(volume));
        }
        return Flatten(members.Values);
    }

    /// <summary>The families, out of all, that a volume of that id is in: also those of its namesakes that are gone.</summary>
    internal static IReadOnlyList<V1.TreeNode> FamilyOf(IReadOnlyList<V1.TreeNode> all, string volume)
    {
        var result = new List<V1.TreeNode>();
        for (int start = 0, end; start < all.Count; start = end)
        {
            end = start + 1;
            while (end < all.Count && all[end].Depth > 0)
                end++;
            var family = all.Skip(start).Take(end - start).ToList();
            if (!family.Any(node => node.Kind != V1.NodeKind.Snapshot && node.Id == volume))
                continue;
            foreach (var node in family.Where(node => node.HasParent))
                node.Parent += result.Count - start;
            result.AddRange(family);
        }
        return result;
    }

    private static IReadOnlyList<V1.TreeNode> Flatten(IReadOnlyCollection<Member> members)
    {
        var result = new List<V1.TreeNode>(members.Count);
        var stack = new Stack<(Member Member, int Depth, int? Parent)>();
        foreach (var head in members.Where(member => member.Parent is null).OrderByDescending(member => member.Node.Name, StringComparer.Ordinal))
            stack.Push((head, 0, null));

        // A stack, not a recursion: restores of restores may go thousands deep.
        while (stack.TryPop(out var next))
        {
            next.Member.Node.Depth = next.Depth;
            if (next.Parent is { } parent)
                next.Member.Node.Parent = parent;
            var children = next.Member.Children
                .OrderByDescending(child => child.Node.CreatedAt?.ToDateTime()).ThenByDescending(child => child.Node.Name, StringComparer.Ordinal);
            foreach (var child in children)
                stack.Push((child, next.Depth + 1, result.Count));
            result.Add(next.Member.Node);
        }
        return result;
    }

    private static Member Add(Dictionary<(bool, string, bool), Member> members, V1.TreeNode node) =>
        members[(node.Kind == V1.NodeKind.Snapshot, node.Id, node.Deleted)] = new Member(node);

    private void Connect(Dictionary<(bool, string, bool), Member> members, Member child, bool isSnapshot, string id, ObjectKey key, PoolId pool, bool? isThere = null)
    {
        var there = members.TryGetValue((isSnapshot, id, false), out var parent) && (isThere ?? parent.Node.CreatedAt.CompareTo(child.Node.CreatedAt) <= 0);
        if (!there && !members.TryGetValue((isSnapshot, id, true), out parent))
        {
            parent = Add(members, new V1.TreeNode
            {
                Kind = isSnapshot ? V1.NodeKind.Snapshot : V1.NodeKind.Volume,
                Id = id,
                Name = key.ToString(),
                Pool = messages.PoolNameOf(pool),
                Deleted = true,
            });
        }

        // Objects of one and the same moment could form a circle, which nothing would reach: then the child stands alone.
        for (var ancestor = child.Children.Count > 0 ? parent : null; ancestor is not null; ancestor = ancestor.Parent)
        {
            if (ancestor == child)
                return;
        }
        child.Parent = parent;
        parent!.Children.Add(child);
    }

    private V1.TreeNode NodeOf(Volume volume)
    {
        var node = new V1.TreeNode
        {
            Kind = volume.Source is null ? V1.NodeKind.Volume : V1.NodeKind.Clone,
            Id = volume.Id.ToString(),
            Name = volume.Name,
            Pool = messages.PoolNameOf(volume.Id.Pool),
            CreatedAt = Timestamp.FromDateTimeOffset(volume.CreatedAt),
        };
        if (volume.Size is { } size)
            node.SizeBytes = size.Bytes;
        if (messages.UsageOf(volume) is { } usage)
            node.UsedBytes = usage.UsedBytes;
        if (attachments.MountPointOf(volume.Id) is { } path)
            node.Path = path;
        return node;
    }

    private V1.TreeNode NodeOf(Snapshot snapshot)
    {
        var node = new V1.TreeNode
        {
            Kind = V1.NodeKind.Snapshot,
            Id = snapshot.Id.ToString(),
            Name = snapshot.Name,
            Pool = messages.PoolNameOf(snapshot.Id.Pool),
            CreatedAt = Timestamp.FromDateTimeOffset(snapshot.CreatedAt),
        };
        if (snapshot.Size is { } size)
            node.SizeBytes = size.Bytes;
        if (messages.ExclusiveOf(snapshot) is { } exclusive)
            node.UsedBytes = exclusive.Bytes;
        if (snapshot.Group is { } group)
            node.Group = group.Name;
        return node;
    }

    private sealed class Member(V1.TreeNode node)
    {
        public V1.TreeNode Node { get; } = node;

        public Member? Parent { get; set; }

        public List<Member> Children { get; } = [];
    }
}
