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
          - { name: fast, default: true, parameters: { pool: fast, uid: 999, mode: "0700" } }
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
        """;

    internal const string SingleNode = """
        singleNode: true
        snapshots:
          classes: [{ name: lamina, default: true }, { name: kept, deletionPolicy: Retain }]
          groupClasses: [{ name: lamina, default: true }]
        """;

    internal const string Monitored = """
        namespace: { create: true }
        metrics: { port: 9900, ipv6: true, serviceMonitor: { enabled: true, interval: 1m, labels: { release: prometheus } } }
        healthPort: 9901
        """;

    internal const string WithoutSnapshots = "snapshots: { enabled: false }\nstorageClasses: []\ncluster: { enabled: false }";

    public static TheoryData<string> All => [Default, Pools, HostPid, SingleNode, Monitored, WithoutSnapshots];
}
