using Lamina.Hosting;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;

namespace Lamina.Admin;

/// <summary>What only the daemon can tell of how it is: its pools, and whether the host sees what it mounts.</summary>
internal sealed class DaemonChecks(PoolSet pools, LaminaOptions options)
{
    /// <summary>Checks everything; never throws for what is only unwell.</summary>
    internal IEnumerable<V1.Check> Run()
    {
        yield return MountNamespace();
        if (!pools.IsReady)
        {
            yield return Warning("pools", "the daemon is still reading its pools", "wait a moment");
            yield break;
        }
        yield return DefaultPool();
        foreach (var status in pools.List())
        {
            foreach (var check in Of(status))
                yield return check;
            foreach (var problem in status.Loaded is { } pool ? pools.FindProblems(pool) : [])
                yield return Problem($"pool {status.Settings.Name}", problem, null);
        }
    }

    // Whether attaching is refused, and for lack of what.
    private V1.Check MountNamespace()
    {
        try
        {
            if (HostView.FindProblem(options.RuntimeDirectory) is { } problem)
                return Problem("mount namespace", $"volumes can't be attached: {problem}", HostView.Advice);
            return Ok("mount namespace", MountReach.IsApart
                ? $"the daemon has one of its own, and what it mounts beneath {options.RuntimeDirectory} is seen by the host"
                : "the daemon mounts where the host sees it");
        }
        catch (LinuxException e)
        {
            return Warning("mount namespace", $"whether the host sees what is mounted can't be told: {e.Message}", null);
        }
    }

    private V1.Check DefaultPool()
    {
        try
        {
            return Ok("default pool", pools.ResolveDefault().Name.ToString());
        }
        catch (StorageException e)
        {
            return Warning("default pool", e.Message, "mark one pool \"default\": true, or always say --pool");
        }
    }

    /// <summary>What there is to say of one pool.</summary>
    internal static IEnumerable<V1.Check> Of(PoolStatus status)
    {
        var name = $"pool {status.Settings.Name}";
        if (status.Loaded is not { } pool)
        {
            yield return Problem(name, status.Problem ?? "it is not loaded", "it is tried again every few seconds");
            yield break;
        }
        if (!pool.TryGetCapacity(out var capacity, out var unwell))
        {
            yield return Problem(name, unwell, "see the kernel log (dmesg)");
        }
        else if (capacity.Available <= pool.Settings.MinFree)
        {
            yield return Problem(name,
                $"only {capacity.Available} of {capacity.Total} available, minFree is {pool.Settings.MinFree}: creates are refused", "free space or add some");
        }
        else
        {
            yield return Ok(name, $"{pool.Pool.Description.Backend} at {pool.Settings.Path}, {capacity.Available} of {capacity.Total} available");
        }
        foreach (var record in pool.Unreadable)
        {
            yield return Problem(name,
                $"{record.Path} can't be read: {record.Reason}", "it is kept as it is; mend or move it by hand, then restart the daemon");
        }
        foreach (var warning in pool.Pool.Description.Warnings)
            yield return Warning(name, warning, HardLimitAdvice.For(pool));
    }

    private static V1.Check Ok(string name, string detail) => new() { Name = name, Status = V1.CheckStatus.Ok, Detail = detail };

    private static V1.Check Warning(string name, string detail, string? advice) =>
        With(advice, new V1.Check { Name = name, Status = V1.CheckStatus.Warning, Detail = detail });

    private static V1.Check Problem(string name, string detail, string? advice) =>
        With(advice, new V1.Check { Name = name, Status = V1.CheckStatus.Problem, Detail = detail });

    private static V1.Check With(string? advice, V1.Check check)
    {
        if (advice is not null)
            check.Advice = advice;
        return check;
    }
}
