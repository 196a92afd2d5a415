using System.ComponentModel.DataAnnotations;

namespace Lamina.Hosting;

/// <summary>Metrics and health.</summary>
internal sealed class MetricsOptions
{
    /// <summary>The address and port to listen on, such as <c>127.0.0.1:9810</c>, or <c>none</c>.</summary>
    [Required]
    public string Address { get; set; } = "127.0.0.1:9810";
}
