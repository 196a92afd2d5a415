using System.IO.Pipelines;
using System.Text;
using Lamina.Cluster;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Operations;
using Lamina.Storage.Pools;

namespace Lamina.Metrics;

/// <summary>
/// The state of everything, written from memory when it is asked for. Not kept in gauges: with thousands of volumes those would take far more
/// memory than the volumes, and series go by themselves when what they are of goes.
/// </summary>
internal sealed class StateExposition(PoolSet pools, Catalog catalog, AttachmentService attachments, OperationRunner operations, StateSampler sampler, ClusterStanding cluster, ClusterNotices notices,
    PersistentVolumeIndex persistentVolumes, TimeProvider time)
{
    // What is written is handed on in pieces, so that it takes little memory too.
    private const int Piece = 64 * 1024;

    private static readonly byte[] s_noLabels = [];
    private static readonly byte[] s_version = ExpositionWriter.LabelsOf(HostFamilies.BuildInfo.Labels, LaminaVersion.Text);
    private readonly double _started = time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;

    /// <summary>Writes all of it.</summary>
    internal async Task WriteAsync(PipeWriter output, CancellationToken cancellationToken)
    {
        var writer = new ExpositionWriter(output);
        var views = pools.List().Select(status => ViewOf(status, catalog)).ToList();
        WriteHost(writer);
        WritePools(writer, views);
        WriteCluster(writer);
        await WriteVolumesAsync(writer, views, output, cancellationToken);
        await output.FlushAsync(cancellationToken);
    }

    private PoolView ViewOf(PoolStatus status, Catalog catalog)
    {
        var last = sampler.Of(status.Settings.Name) is { } sample && sample.Id == status.Loaded?.Id ? sample : null;
        return new PoolView(status, last, last is not null && time.GetUtcNow() - last.At < sampler.StaleAfter ? last : null, catalog);
    }

    private void WriteHost(ExpositionWriter writer)
    {
        One(writer, HostFamilies.BuildInfo, 1, s_version);
        One(writer, HostFamilies.StartTime, _started, s_noLabels);
        One(writer, HostFamilies.Cpu, Environment.CpuUsage.TotalTime.TotalSeconds, s_noLabels);
        One(writer, HostFamilies.Memory, Environment.WorkingSet, s_noLabels);
        One(writer, HostFamilies.OpenFiles, OpenFiles.Count(), s_noLabels);
        One(writer, HostFamilies.MaxFiles, OpenFiles.Limit(), s_noLabels);
        One(writer, HostFamilies.Ready, pools.IsReady ? 1 : 0, s_noLabels);
        One(writer, HostFamilies.Running, operations.Running, s_noLabels);
        One(writer, HostFamilies.Oldest, operations.List() is [var oldest, ..] ? oldest.Since.ToUnixTimeMilliseconds() / 1000.0 : null, s_noLabels);
        One(writer, HostFamilies.Volumes, catalog.VolumeCount, s_noLabels);
        One(writer, HostFamilies.Unpublished, sampler.VolumesWithoutSeries, s_noLabels);
        One(writer, HostFamilies.Snapshots, catalog.SnapshotCount, s_noLabels);
        if (sampler.Mounts is not { } mounts)
            return;
        Kinds(writer, HostFamilies.MountsExpected, mounts.VolumesHeld, mounts.PublicationsHeld);
        Kinds(writer, HostFamilies.MountsPresent, mounts.VolumesPresent, mounts.PublicationsPresent);
        One(writer, HostFamilies.Orphans, mounts.Orphans.Length, s_noLabels);
    }

    private void WriteCluster(ExpositionWriter writer)
    {
        foreach (var family in ClusterFamilies.All)
        {
            writer.Begin(family);
            if (notices.IsWanted)
                WriteCluster(writer, family);
        }
    }

    private void WriteCluster(ExpositionWriter writer, Family family)
    {
        var orphans = cluster.Orphans?.GroupBy(orphan => orphan.Kind).ToDictionary(kind => kind.Key, kind => kind.ToList());
        (string[] Labels, double Value)[] series = family switch
        {
            _ when family == ClusterFamilies.Synced => [([], persistentVolumes.IsCurrent ? 1 : 0)],
            _ when family == ClusterFamilies.Failures => [([], cluster.Failures)],
            _ when family == ClusterFamilies.Events => [(["sent"], cluster.EventsSent), (["refused"], cluster.EventsRefused), (["dropped"], cluster.EventsDropped)],
            _ when orphans is null => [],
            _ when family == ClusterFamilies.Orphans => [.. Enum.GetValues<OrphanKind>().Select(kind => (new[] { NameOf(kind) }, (double)orphans.GetValueOrDefault(kind, []).Count))],
            _ => [.. orphans.SelectMany(kind => kind.Value.Take(ClusterFamilies.MaxOrphans))
                .Select(orphan => (new[] { NameOf(orphan.Kind), orphan.Name }, Math.Floor(time.GetElapsedTime(orphan.Since).TotalSeconds)))],
        };
        var name = Encoding.UTF8.GetBytes(family.Name);
        foreach (var (labels, value) in series)
            writer.Series(name, labels.Length == 0 ? s_noLabels : ExpositionWriter.LabelsOf(family.Labels, labels), value);
    }

    private static string NameOf(OrphanKind kind) => kind.ToString().ToLowerInvariant();

    private static void One(ExpositionWriter writer, Family family, double? value, byte[] labels)
    {
        writer.Begin(family);
        writer.Series(Encoding.UTF8.GetBytes(family.Name), labels, value);
    }

    private static void Kinds(ExpositionWriter writer, Family family, int volumes, int publications)
    {
        writer.Begin(family);
        var name = Encoding.UTF8.GetBytes(family.Name);
        writer.Series(name, ExpositionWriter.LabelsOf(family.Labels, "volume"), volumes);
        writer.Series(name, ExpositionWriter.LabelsOf(family.Labels, "publication"), publications);
    }

    private static void WritePools(ExpositionWriter writer, List<PoolView> views)
    {
        writer.Begin(PoolFamilies.Info);
        foreach (var description in views.Select(view => view.Pool?.Pool.Description).OfType<PoolDescription>())
            writer.Series("lamina_pool_info"u8, ExpositionWriter.LabelsOf(PoolFamilies.Info.Labels, description.Name.ToString(), description.Id.ToString(), description.Backend, description.FileSystem), 1);
        foreach (var (family, value) in PoolFamilies.All)
        {
            writer.Begin(family);
            var name = Encoding.UTF8.GetBytes(family.Name);
            foreach (var view in views)
                writer.Series(name, ExpositionWriter.LabelsOf(family.Labels, view.Status.Settings.Name.ToString()), value(view));
        }
        writer.Begin(PoolFamilies.DeviceErrors);
        foreach (var view in views)
        {
            foreach (var device in view.Sample?.Figures.DeviceErrors ?? [])
                WriteErrors(writer, view.Status.Settings.Name.ToString(), device);
        }
        writer.Begin(PoolFamilies.ZfsState);
        foreach (var view in views)
            writer.Series("lamina_pool_zfs_state"u8, ExpositionWriter.LabelsOf(PoolFamilies.ZfsState.Labels, view.Status.Settings.Name.ToString(), view.Health?.State ?? ""), view.Health?.State is null ? null : 1);
    }

    private static void WriteErrors(ExpositionWriter writer, string pool, DeviceErrors device)
    {
        foreach (var (kind, count) in (ReadOnlySpan<(string, ulong)>)
            [("write", device.Write), ("read", device.Read), ("flush", device.Flush), ("corruption", device.Corruption), ("generation", device.Generation)])
        {
            writer.Series("lamina_pool_device_errors_total"u8, ExpositionWriter.LabelsOf(PoolFamilies.DeviceErrors.Labels, pool, device.Device, kind), count);
        }
    }

    private async Task WriteVolumesAsync(ExpositionWriter writer, List<PoolView> views, PipeWriter output, CancellationToken cancellationToken)
    {
        // As they are now: what was deleted since the last look has no series any more.
        var volumes = views.SelectMany(view => view.Sample?.Volumes ?? []).Where(sample => catalog.Find(sample.Volume.Id) is not null).ToList();
        var mounted = sampler.Mounts?.Mounted ?? [];
        var uses = volumes.Select(sample => (mounted.Contains(sample.Volume.Id), attachments.HoldersOf(sample.Volume.Id).Count)).ToList();
        foreach (var (family, value) in VolumeFamilies.All)
        {
            writer.Begin(family);
            var name = Encoding.UTF8.GetBytes(family.Name);
            for (var i = 0; i < volumes.Count; i++)
            {
                writer.Series(name, volumes[i].Labels, value(volumes[i], uses[i]));
                if (output.UnflushedBytes > Piece)
                    await output.FlushAsync(cancellationToken);
            }
        }
    }
}
