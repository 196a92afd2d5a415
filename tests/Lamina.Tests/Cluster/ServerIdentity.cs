using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lamina.Tests.Cluster;

/// <summary>A certificate of a server on the loopback address, and the authority of our own that vouches for it.</summary>
internal sealed class ServerIdentity : IDisposable
{
    private readonly X509Certificate2 _authority;

    internal ServerIdentity()
    {
        var now = TimeProvider.System.GetUtcNow();
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = new CertificateRequest("CN=authority of a test", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        authority.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        authority.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(authority.PublicKey, critical: false));
        _authority = authority.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=kube-apiserver", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        using var signed = request.Create(_authority, now.AddDays(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        Certificate = signed.CopyWithPrivateKey(key);
    }

    /// <summary>The server's, with its key.</summary>
    internal X509Certificate2 Certificate { get; }

    /// <summary>The authority's, as a client has it in a file.</summary>
    internal string Authority => _authority.ExportCertificatePem();

    public void Dispose()
    {
        Certificate.Dispose();
        _authority.Dispose();
    }
}
