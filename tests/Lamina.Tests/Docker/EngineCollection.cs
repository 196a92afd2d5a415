namespace Lamina.Tests.Docker;

/// <summary>Engines own the host: cgroups, the directory of plugins. Their tests run when all others are done, one after another, with one engine each.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class EngineCollection : ICollectionFixture<DockerEngine>, ICollectionFixture<PodmanEngine>;
