namespace Lamina.Docker;

/// <summary>One call of the API.</summary>
/// <param name="request">What the engine says.</param>
/// <param name="patience">Ends the waiting for other operations, before the engine gives up.</param>
internal delegate Task<DriverResponse> DriverCall(DriverRequest request, CancellationToken patience);
