using System.ComponentModel.DataAnnotations;

namespace Lamina.Hosting;

/// <summary>Metrics and health.</summary>
internal sealed class MetricsOptions
{
    /// <summary>The address and port to listen on, such as <c>127.0.0.1:9810</c>, or <c>none</c>.</summary>
    [Required]
    public string Address { get; set; } = "127.0.0.1:9810";

    /// <summary>How often pools and volumes are looked at for it, in the background: a scrape tells what was seen last.</summary>
    [AllowedRange(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(10);
}
