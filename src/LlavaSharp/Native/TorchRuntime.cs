using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;

namespace LlavaSharp.Native;

/// <summary>Finds and loads libtorch and TorchSharp's native part, once per process, before the first tensor.</summary>
/// <remarks>
/// On Linux, TorchSharp's native part may name a C++ runtime version that an older system lacks though it uses nothing of it;
/// then a copy without that requirement is made in <see cref="CacheFolder"/> and loaded instead. Nothing on the system changes.
/// </remarks>
public static class TorchRuntime
{
    private const string Binding = "LibTorchSharp";

    private static readonly Lazy<TorchRuntimeReport> _report = new(Load, LazyThreadSafetyMode.ExecutionAndPublication);
    private static readonly Dictionary<string, nint> _handles = new(StringComparer.Ordinal);

    /// <summary>Makes tensors usable. Safe to call from any thread, any number of times; only the first call does anything.</summary>
    /// <exception cref="NativeLibraryException">A file is missing, was made for another system, or cannot be loaded; the same error at every call.</exception>
    public static void Initialize() => _ = _report.Value;

    /// <summary>What was found and done; initializes if that has not happened.</summary>
    /// <exception cref="NativeLibraryException">As for <see cref="Initialize"/>.</exception>
    public static TorchRuntimeReport Report => _report.Value;

    private static TorchRuntimeReport Load()
    {
        RefuseUnknownPlatforms();
        var folders = NativeFileLocator.Folders(typeof(torch));
        var torchFolder = FindTorch(folders);
        var binding = NativeFileLocator.Find(NativeFileLocator.FileName(Binding), [torchFolder, .. folders])
            ?? throw Missing(NativeFileLocator.FileName(Binding), folders, "Reference the package TorchSharp from the application, or publish it with its native files.");

        OpenMpWaiting.Shorten();
        var loaded = new List<string>();
        foreach (var (library, required) in new[] { ("c10", true), ("torch_cpu", true), ("c10_cuda", false), ("torch_cuda", false), ("torch", true) })
        {
            var file = Path.Combine(torchFolder, NativeFileLocator.FileName(library));
            if (!File.Exists(file))
            {
                if (required)
                    throw Missing(Path.GetFileName(file), [torchFolder], "The folder holds only a part of libtorch: restore the packages again.");
                continue;
            }
            _handles[library] = Open(file);
            loaded.Add(file);
        }

        var copy = new BindingCopy(binding);
        _handles[Binding] = copy.Open(Open);
        RegisterResolvers();
        StartTorchSharp();
        return new TorchRuntimeReport
        {
            TorchFolder = torchFolder,
            BindingFile = binding,
            LoadedBindingFile = copy.LoadedFile,
            SystemCppLibrary = copy.SystemLibrary,
            PatchedVersions = copy.PatchedVersions,
            Loaded = loaded,
            Notices = copy.Notices,
        };
    }

    private static void RefuseUnknownPlatforms()
    {
        if (NativeFileLocator.IsMusl)
            throw new NativeLibraryException("libtorch exists for glibc only, and this system uses musl (Alpine). Use a glibc image, such as mcr.microsoft.com/dotnet/runtime:10.0 (Ubuntu).");
        if (NativeFileLocator.Platform is not ("linux-x64" or "win-x64" or "osx-arm64"))
            throw new NativeLibraryException($"There is no libtorch package for {NativeFileLocator.Platform}; linux-x64, win-x64 and osx-arm64 are supported.");
    }

    private static string FindTorch(IReadOnlyList<string> folders)
    {
        var name = NativeFileLocator.FileName("torch_cpu");
        if (Environment.GetEnvironmentVariable(NativeFileLocator.TorchPathVariable) is { Length: > 0 } chosen)
        {
            var folder = Path.GetFullPath(chosen);
            return File.Exists(Path.Combine(folder, name))
                ? folder
                : throw Missing(name, [folder], $"{NativeFileLocator.TorchPathVariable} names this folder: correct or unset it.");
        }
        var found = NativeFileLocator.Find(name, folders)
            ?? throw Missing(name, folders,
                $"Reference libtorch-cpu-{NativeFileLocator.Platform} (or TorchSharp-cpu, TorchSharp-cuda-linux, TorchSharp-cuda-windows) from the application, "
                + $"or set {NativeFileLocator.TorchPathVariable} to a folder with libtorch.");
        return Path.GetDirectoryName(found)!;
    }

    private static nint Open(string file)
    {
        CheckFile(file);
        try
        {
            return NativeLibrary.Load(file);
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException)
        {
            throw new NativeLibraryException($"{file} cannot be loaded: {LoaderMessage(exception)}. {Advice(exception.Message)}", file, innerException: exception);
        }
    }

    private static void CheckFile(string file)
    {
        if (!OperatingSystem.IsLinux())
            return;
        ushort machine, own = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? (ushort)183 : (ushort)62;
        try
        {
            machine = ElfFile.CheckWhole(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new NativeLibraryException($"{file} cannot be read: {exception.Message}", file, innerException: exception);
        }
        if (machine != own)
            throw new NativeLibraryException($"{file} was built for {MachineName(machine)}, but this process runs on {MachineName(own)}. Restore the packages of {NativeFileLocator.Platform}.", file);
    }

    private static string MachineName(ushort machine) => machine switch { 62 => "x64", 183 => "arm64", 3 => "x86", 40 => "arm", _ => $"machine {machine}" };

    // The runtime wraps the loader's own line in advice about probing paths; the last line that names a cause is what helps.
    private static string LoaderMessage(Exception exception) =>
        exception.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .FirstOrDefault(line => line.Contains(": ", StringComparison.Ordinal) && line.Contains(".so", StringComparison.Ordinal) && !line.StartsWith("Unable", StringComparison.Ordinal))
        ?? exception.Message.ReplaceLineEndings(" ");

    private static string Advice(string message) => message switch
    {
        _ when message.Contains("libgomp", StringComparison.Ordinal) => "libgomp ships beside libtorch_cpu: restore the packages again, or install it (apt-get install libgomp1).",
        _ when message.Contains("libstdc++", StringComparison.Ordinal) => "Install the C++ runtime (apt-get install libstdc++6).",
        _ when message.Contains("GLIBC_", StringComparison.Ordinal) => "This system's C library is too old: glibc 2.34 or later is needed (Debian 12, Ubuntu 22.04, RHEL 9).",
        _ when message.Contains("undefined symbol", StringComparison.Ordinal) => "libtorch and TorchSharp do not fit together: use the libtorch version that TorchSharp was built for.",
        _ when message.Contains("failed to map", StringComparison.Ordinal) => "Memory is too small, or the folder is mounted noexec: set LLAVA_CACHE to another folder.",
        _ => "Restore the packages again; llava doctor shows what was found.",
    };

    private static void RegisterResolvers()
    {
        foreach (var assembly in new[] { typeof(torch).Assembly, typeof(TorchRuntime).Assembly })
        {
            try
            {
                NativeLibrary.SetDllImportResolver(assembly, Resolve);
            }
            catch (InvalidOperationException exception)
            {
                throw new NativeLibraryException(
                    $"Another part of the application has already set a DllImportResolver on {assembly.GetName().Name}: call {nameof(TorchRuntime)}.{nameof(Initialize)} in its place.",
                    innerException: exception);
            }
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) => _handles.GetValueOrDefault(name);

    private static void StartTorchSharp()
    {
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
        }
        catch (Exception exception) when (exception is NotSupportedException or DllNotFoundException or TypeInitializationException or EntryPointNotFoundException)
        {
            throw new NativeLibraryException($"TorchSharp does not start although its files were loaded: {exception.Message.Split('\n')[0]}", innerException: exception);
        }
    }

    private static NativeLibraryException Missing(string file, IReadOnlyList<string> searched, string advice) =>
        new($"{file} was not found. Looked in: {string.Join(", ", searched)}. {advice}", file, searched);
}
