namespace Lamina.Chart.Tests;

/// <summary>Values that people may have.</summary>
public static class ValueSets
{
    internal const string Default = "";

    internal const string Pools = """
        stateDir: /srv/state/lamina
        pools:
          fast: { backend: overlay2, path: /srv/fast/lamina, default: true, defaultSize: 10Gi, minFree: 1Gi, overcommit: 1.5, liveSnapshot: refuse, usageInterval: "00:10:00" }
          deep: { backend: btrfs, path: /srv/btrfs/lamina, quota: simple, ephemeral: true }
          image: { backend: btrfs, path: /srv/image/lamina, image: /srv/image/lamina.img, maxPause: "00:00:00.5" }
        bindRoots: [/data/shared]
        maxVolumesPerNode: 100
        storageClasses:
          - { name: fast, default: true, parameters: { pool: fast, uid: 999, gid: 1000650000, mode: "0700" } }
          - { name: compressed, reclaimPolicy: Retain, parameters: { pool: deep, compression: zstd, copyOnWrite: true }, mountOptions: [noatime, nosuid] }
          - { name: xfs, parameters: { pool: image }, fsType: xfs }
        """;

    internal const string HostPid = """
        hostPID: true
        selinux: true
        tolerations: []
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [ { matchExpressions: [ { key: disk, operator: In, values: [ssd] } ] } ] } } }
        nodeSelector: { storage: "yes" }
        imagePullSecrets: [{ name: registry }]
        image: { repository: registry.example.org/storage/lamina, tag: "1.2.3" }
        podLabels: { team: storage }
        podAnnotations: { example.org/note: "1" }
        kubeletDir: /var/lib/k0s/kubelet
        driverName: second.lamina.dev
        priorityClassName: ""
        """;

    internal const string SingleNode = """
        singleNode: true
        snapshots:
          groups: true
          classes: [{ name: lamina, default: true }, { name: kept, deletionPolicy: Retain }]
          groupClasses: [{ name: lamina, default: true }]
        """;

    internal const string Monitored = """
        namespace: { create: true }
        metrics: { port: 9900, ipv6: true, serviceMonitor: { enabled: true, interval: 1m, labels: { release: prometheus } } }
        monitoring:
          prometheusRule: { enabled: true, namespace: monitoring, labels: { release: prometheus }, runbookBase: "https://git.example.org/lamina/deploy/monitoring/" }
          dashboard: { enabled: true, namespace: grafana, labels: { grafana_dashboard: null, dashboards: "yes" }, annotations: { grafana_folder: Storage } }
        healthPort: 9901
        priorityQuota: true
        """;

    internal const string Zfs = """
        pools:
          tank: { backend: zfs, dataset: tank/lamina, default: true, defaultSize: 10Gi, minFree: 1Gi, overcommit: 2, ephemeral: false, usageInterval: "00:10:00" }
          fast: { backend: btrfs, path: /srv/fast }
        provisionerSecrets: [{ name: lamina-zfs-key, namespace: lamina-keys }, { name: other, namespace: shop }]
        storageClasses:
          - { name: postgresql, parameters: { pool: tank, recordsize: 16K, compression: lz4, atime: "off", logbias: throughput, reserve: true } }
          - { name: device, parameters: { pool: tank, volblocksize: 64K } }
          - name: encrypted
            parameters:
              pool: tank
              encryption: aes-256-gcm
              csi.storage.k8s.io/provisioner-secret-name: lamina-zfs-key
              csi.storage.k8s.io/provisioner-secret-namespace: lamina-keys
              csi.storage.k8s.io/node-stage-secret-name: lamina-zfs-key
              csi.storage.k8s.io/node-stage-secret-namespace: lamina-keys
        """;

    internal const string WithoutSnapshots = "snapshots: { enabled: false }\nstorageClasses: []\ncluster: { enabled: false }";

    /// <summary>The values that the chart brings for clusters before 1.34.</summary>
    internal static string OlderKubernetes { get; } = File.ReadAllText(Path.Combine(ChartRenderer.Chart, "values-kubernetes-1.27.yaml"));

    public static TheoryData<string> All => [Default, Pools, HostPid, SingleNode, Monitored, Zfs, WithoutSnapshots, OlderKubernetes];
}
