using k8s;
using k8s.KubeConfigModels;
using k8s.Models;
using Lamina.Testing;

namespace Lamina.Tests.Cluster;

/// <summary>A ServiceAccount in a real cluster that may do what the manifests allow the daemon, and nothing else.</summary>
/// <param name="admin">Who may make it.</param>
/// <param name="namespace">Where; its roles in the whole cluster have the same name.</param>
internal sealed class DaemonAccount(Kubernetes admin, string @namespace)
{
    private const string Group = "rbac.authorization.k8s.io";
    private const string Account = "lamina";

    /// <summary>A file by which a client is that account.</summary>
    internal string Kubeconfig { get; } = TestScratch.NewPath("kubeconfig");

    /// <summary>Makes it.</summary>
    /// <param name="kubeconfig">The administrator's file, which names the server.</param>
    internal async Task CreateAsync(string kubeconfig)
    {
        await BindAsync(new DaemonRules());
        var request = new Authenticationv1TokenRequest { Spec = new V1TokenRequestSpec { Audiences = [], ExpirationSeconds = 3600 } };
        await admin.CoreV1.CreateNamespacedServiceAccountAsync(new V1ServiceAccount { Metadata = new V1ObjectMeta { Name = Account } }, @namespace);
        var token = await admin.CoreV1.CreateNamespacedServiceAccountTokenAsync(request, Account, @namespace);
        await WriteAsync(kubeconfig, token.Status.Token);
    }

    /// <summary>Takes away what no namespace takes with it, as far as it was made.</summary>
    internal async Task DeleteAsync()
    {
        await ClusterScene.UnlessGoneAsync(() => admin.RbacAuthorizationV1.DeleteClusterRoleBindingAsync(@namespace));
        await ClusterScene.UnlessGoneAsync(() => admin.RbacAuthorizationV1.DeleteClusterRoleAsync(@namespace));
    }

    private async Task BindAsync(DaemonRules rules)
    {
        var metadata = new V1ObjectMeta { Name = @namespace };
        var rbac = admin.RbacAuthorizationV1;
        Rbacv1Subject[] subjects = [new() { Kind = "ServiceAccount", Name = Account, NamespaceProperty = @namespace }];
        await rbac.CreateClusterRoleAsync(new V1ClusterRole { Metadata = metadata, Rules = [.. rules.OfTheCluster] });
        await rbac.CreateClusterRoleBindingAsync(new V1ClusterRoleBinding { Metadata = metadata, RoleRef = new V1RoleRef { ApiGroup = Group, Kind = "ClusterRole", Name = @namespace }, Subjects = subjects });
        await rbac.CreateNamespacedRoleAsync(new V1Role { Metadata = metadata, Rules = [.. rules.OfTheNamespace] }, @namespace);
        await rbac.CreateNamespacedRoleBindingAsync(
            new V1RoleBinding { Metadata = metadata, RoleRef = new V1RoleRef { ApiGroup = Group, Kind = "Role", Name = @namespace }, Subjects = subjects }, @namespace);
    }

    private async Task WriteAsync(string kubeconfig, string token)
    {
        var config = await KubernetesClientConfiguration.LoadKubeConfigAsync(kubeconfig);
        var context = config.Contexts.Single(one => one.Name == config.CurrentContext);
        context.ContextDetails.User = Account;
        config.Contexts = [context];
        config.Users = [new User { Name = Account, UserCredentials = new UserCredentials { Token = token } }];
        await File.WriteAllTextAsync(Kubeconfig, KubernetesYaml.Serialize(config));
    }
}
