using Lamina.Linux;
using Lamina.Storage.Pauses;

namespace Lamina.Storage.Tests.Pauses;

public sealed class ProtectedProcessesTests
{
    [Theory]
    [InlineData("dockerd", true)]
    [InlineData("containerd", true)]
    [InlineData("containerd-shim", true)]
    [InlineData("containerd-shim-runc-v2", true)]
    [InlineData("podman", true)]
    [InlineData("conmon", true)]
    [InlineData("crio", true)]
    [InlineData("kubelet", true)]
    [InlineData("postgres", false)]
    [InlineData("my-dockerd", false)]
    public void IsEngine_Name_IsKnown(string name, bool expected) => Assert.Equal(expected, ProtectedProcesses.IsEngine(name));

    [Fact]
    public void Contains_OurselvesOurAncestorsAndTheFirstProcess()
    {
        var processes = new ProtectedProcesses();
        for (var pid = Environment.ProcessId; pid > 0;)
        {
            var process = ProcessTable.TryRead(pid)!;
            Assert.True(processes.Contains(process), process.Name);
            pid = process.ParentPid;
        }
    }
}
