using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using k8s;
using k8s.Models;
using Lamina.Chart.Tests.Models;

namespace Lamina.Chart.Tests;

/// <summary>Reads objects of Kubernetes as strictly as an API server that is asked to be: fields that a kind does not have are errors.</summary>
internal static class Kinds
{
    private static readonly Dictionary<string, Func<string, object>> s_readers = new()
    {
        ["v1 Namespace"] = Read<V1Namespace>,
        ["v1 ConfigMap"] = Read<V1ConfigMap>,
        ["v1 Secret"] = Read<V1Secret>,
        ["v1 ResourceQuota"] = Read<V1ResourceQuota>,
        ["v1 Service"] = Read<V1Service>,
        ["v1 ServiceAccount"] = Read<V1ServiceAccount>,
        ["v1 Pod"] = Read<V1Pod>,
        ["v1 PersistentVolumeClaim"] = Read<V1PersistentVolumeClaim>,
        ["apps/v1 DaemonSet"] = Read<V1DaemonSet>,
        ["apps/v1 StatefulSet"] = Read<V1StatefulSet>,
        ["rbac.authorization.k8s.io/v1 ClusterRole"] = Read<V1ClusterRole>,
        ["rbac.authorization.k8s.io/v1 ClusterRoleBinding"] = Read<V1ClusterRoleBinding>,
        ["rbac.authorization.k8s.io/v1 Role"] = Read<V1Role>,
        ["rbac.authorization.k8s.io/v1 RoleBinding"] = Read<V1RoleBinding>,
        ["storage.k8s.io/v1 CSIDriver"] = Read<V1CSIDriver>,
        ["storage.k8s.io/v1 StorageClass"] = Read<V1StorageClass>,
        ["storage.k8s.io/v1 VolumeAttributesClass"] = Read<V1VolumeAttributesClass>,
        ["snapshot.storage.k8s.io/v1 VolumeSnapshot"] = Read<CustomObject<VolumeSnapshotSpec>>,
        ["snapshot.storage.k8s.io/v1 VolumeSnapshotClass"] = Read<SnapshotClass>,
        ["groupsnapshot.storage.k8s.io/v1 VolumeGroupSnapshot"] = Read<CustomObject<VolumeGroupSnapshotSpec>>,
        ["groupsnapshot.storage.k8s.io/v1 VolumeGroupSnapshotClass"] = Read<SnapshotClass>,
        ["monitoring.coreos.com/v1 PrometheusRule"] = Read<CustomObject<PrometheusRuleSpec>>,
        ["monitoring.coreos.com/v1 ServiceMonitor"] = Read<CustomObject<ServiceMonitorSpec>>,
    };

    static Kinds() => KubernetesJson.AddJsonOptions(options => options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow);

    /// <summary>The object as its kind's model.</summary>
    internal static object Read(JsonObject @object) => s_readers[KindOf(@object)](@object.ToJsonString());

    /// <summary>Such as <c>apps/v1 DaemonSet</c>.</summary>
    internal static string KindOf(JsonObject @object) => $"{@object["apiVersion"]} {@object["kind"]}";

    private static object Read<T>(string json) => KubernetesJson.Deserialize<T>(json)!;
}
