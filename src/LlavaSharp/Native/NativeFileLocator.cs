using System.Runtime.InteropServices;

namespace LlavaSharp.Native;

/// <summary>Knows in which folders native files may lie, and finds them.</summary>
internal static class NativeFileLocator
{
    /// <summary>The variable that names the folder of libtorch, in place of the one that came with the application.</summary>
    public const string TorchPathVariable = "LLAVA_TORCH_PATH";

    /// <summary>This platform as NuGet's folders name it, such as <c>linux-x64</c>.</summary>
    public static string Platform { get; } =
        (OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : IsMusl ? "linux-musl" : "linux")
        + "-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    /// <summary>Whether this process runs on musl (Alpine), for which no libtorch exists.</summary>
    public static bool IsMusl => RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal);

    /// <summary>The file name of a library on this platform: <c>lib*.so</c>, <c>lib*.dylib</c> or <c>*.dll</c>.</summary>
    public static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    /// <summary>The folders to look at, in order, each once.</summary>
    public static IReadOnlyList<string> Folders(Type besideAssemblyOf)
    {
        var folders = new List<string>();
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string searched)
            folders.AddRange(searched.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        AddApplication(AppContext.BaseDirectory);
        var assembly = besideAssemblyOf.Assembly.Location; // empty in a single-file application
        if (assembly.Length > 0)
        {
            AddApplication(Path.GetDirectoryName(assembly)!);
            // a linked assembly: its package keeps the native files two folders up
            if (File.ResolveLinkTarget(assembly, returnFinalTarget: true)?.FullName is { } target && Path.GetDirectoryName(target) is { } folder)
            {
                AddApplication(folder);
                AddApplication(Path.GetFullPath(Path.Combine(folder, "..", "..")));
            }
        }
        return [.. folders.Select(folder => Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))).Distinct(StringComparer.Ordinal)];

        void AddApplication(string folder)
        {
            folders.Add(Path.Combine(folder, "runtimes", Platform, "native"));
            folders.Add(folder);
        }
    }

    /// <summary>The first of the folders that holds the file (or a link to an existing one), or null.</summary>
    public static string? Find(string fileName, IEnumerable<string> folders) =>
        folders.Select(folder => Path.Combine(folder, fileName)).FirstOrDefault(File.Exists);

    /// <summary>The file that this process has loaded under a name such as <c>libstdc++.so.6</c> (Linux), or null.</summary>
    public static string? FindLoaded(string library)
    {
        NativeLibrary.TryLoad(library, out _); // loads it if it is not loaded yet; never unloaded
        foreach (var line in File.ReadLines("/proc/self/maps"))
        {
            // address perms offset device inode path; the file behind the link libstdc++.so.6 is libstdc++.so.6.0.30
            var start = line.IndexOf('/');
            if (start < 0)
                continue;
            var file = Path.GetFileName(line.AsSpan(start));
            if (file.StartsWith(library, StringComparison.Ordinal) && (file.Length == library.Length || file[library.Length] == '.') && File.Exists(line[start..]))
                return line[start..];
        }
        return null;
    }
}
