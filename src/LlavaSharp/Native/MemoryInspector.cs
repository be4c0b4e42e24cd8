using System.Globalization;

namespace LlavaSharp.Native;

/// <summary>Asks the system how much memory there is.</summary>
internal static class MemoryInspector
{
    /// <summary>The memory of this machine and of the container that this process runs in.</summary>
    public static MemoryReport Inspect()
    {
        if (!OperatingSystem.IsLinux())
        {
            GC.Collect(0); // the figures are those of the last collection
            var information = GC.GetGCMemoryInfo();
            return new MemoryReport { Total = information.TotalAvailableMemoryBytes, Available = Math.Max(0, information.TotalAvailableMemoryBytes - information.MemoryLoadBytes) };
        }
        var lines = SystemFiles.Lines("/proc/meminfo");
        var total = Kilobytes(lines, "MemTotal:") ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var (limit, usage) = ContainerLimit(SystemFiles.Lines("/proc/self/cgroup"), "/sys/fs/cgroup", total);
        return new MemoryReport { Total = total, Available = Kilobytes(lines, "MemAvailable:"), ContainerLimit = limit, ContainerUsage = usage };
    }

    /// <summary>The tightest limit on the way from this process's group up to the root, for both versions of cgroup, and its usage.</summary>
    internal static (long? Limit, long? Usage) ContainerLimit(IEnumerable<string> groups, string mount, long total)
    {
        (long? limit, long? usage) = (null, null);
        foreach (var line in groups)
        {
            // "0::/path" is version 2; "4:memory:/path" is version 1, mounted in a folder of its own
            var parts = line.Split(':', 3);
            if (parts.Length != 3)
                continue;
            var second = parts[1].Length == 0;
            if (!second && !parts[1].Split(',').Contains("memory"))
                continue;
            var root = second ? mount : Path.Combine(mount, "memory");
            for (var group = parts[2].Trim('/'); ; group = Path.GetDirectoryName(group) ?? "")
            {
                var folder = Path.Combine(root, group);
                var found = Number(Path.Combine(folder, second ? "memory.max" : "memory.limit_in_bytes"));
                if (found < Math.Min(total, limit ?? long.MaxValue))
                    (limit, usage) = (found, Number(Path.Combine(folder, second ? "memory.current" : "memory.usage_in_bytes")));
                if (group.Length == 0)
                    break;
            }
        }
        return (limit, usage);
    }

    private static long? Number(string path) =>
        long.TryParse(SystemFiles.Line(path), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static long? Kilobytes(string[] lines, string name) =>
        lines.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is { } line
        && long.TryParse(line[name.Length..].Replace("kB", "").Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value * 1024
            : null;
}
