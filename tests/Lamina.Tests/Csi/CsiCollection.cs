namespace Lamina.Tests.Csi;

/// <summary>The tests that need nothing particular of their daemon share one.</summary>
[CollectionDefinition]
public sealed class CsiCollection : ICollectionFixture<CsiDaemon>;
