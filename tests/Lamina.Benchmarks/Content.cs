namespace Lamina.Benchmarks;

/// <summary>What is in a volume.</summary>
public enum Content
{
    /// <summary>One file of a megabyte.</summary>
    OneMegabyte,

    /// <summary>One file of ten gigabytes, and a thousand small ones.</summary>
    TenGigabytes,
}
