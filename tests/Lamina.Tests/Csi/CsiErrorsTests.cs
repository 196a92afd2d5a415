using Grpc.Core;
using Lamina.Csi;
using Lamina.Storage;

namespace Lamina.Tests.Csi;

public sealed class CsiErrorsTests
{
    [Theory]
    [InlineData(StorageError.InvalidArgument, 3)]
    [InlineData(StorageError.NotFound, 5)]
    [InlineData(StorageError.AlreadyExists, 6)]
    [InlineData(StorageError.ResourceExhausted, 8)]
    [InlineData(StorageError.NotHere, 8)]
    [InlineData(StorageError.FailedPrecondition, 9)]
    [InlineData(StorageError.Aborted, 10)]
    [InlineData(StorageError.OutOfRange, 11)]
    [InlineData(StorageError.Unsupported, 12)]
    [InlineData(StorageError.Internal, 13)]
    [InlineData(StorageError.Unavailable, 14)]
    [InlineData(StorageError.DataLoss, 15)]
    public void Table_EveryDomainError_HasItsCode(StorageError error, int code) => Assert.Equal((StatusCode)code, CsiErrors.CodeOf(error));

    [Fact]
    public void Table_ErrorsOfTheDomain_AreAllThere()
    {
        var internals = Enum.GetValues<StorageError>().Where(error => CsiErrors.CodeOf(error) == StatusCode.Internal);
        Assert.Equal([StorageError.Internal], internals);
    }

    [Fact]
    public void Status_OfWhatNobodyForesaw_IsInternalWithAMessage()
    {
        var status = CsiErrors.StatusOf(new InvalidOperationException("oops"), "CreateVolume");
        Assert.Equal(StatusCode.Internal, status.StatusCode);
        Assert.Contains("oops", status.Detail, StringComparison.Ordinal);
    }
}
