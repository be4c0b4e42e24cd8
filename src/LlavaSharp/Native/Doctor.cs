using System.Reflection;
using System.Runtime.InteropServices;
using SkiaSharp;
using TorchSharp;

namespace LlavaSharp.Native;

/// <summary>Looks at this machine: what it offers, what was loaded, and what stands in the way.</summary>
public static class Doctor
{
    private static readonly string[] _openMpVariables =
    [
        "OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "OMP_WAIT_POLICY", "OMP_DYNAMIC", "GOMP_SPINCOUNT", "GOMP_CPU_AFFINITY",
        "KMP_AFFINITY", "KMP_BLOCKTIME", "MKL_NUM_THREADS", "MKL_DYNAMIC",
    ];

    /// <summary>Inspects the machine. Loads libtorch; a failure to do so is a problem in the report, not an exception.</summary>
    public static MachineReport Inspect()
    {
        var problems = new List<MachineProblem>();
        var torchReport = LoadTorch(problems);
        var cpu = CpuInspector.Inspect();
        var memory = MemoryInspector.Inspect();
        var devices = Devices(cpu, torchReport is not null, problems);
        var threads = torchReport is null ? (int?)null : torch.get_num_threads();
        var embedded = EmbeddedModel.TryFind();
        if (embedded is null)
            problems.Add(new("The embedded model (models/llava-tiny) was not found.", "Name a model with --model-path, or publish the application with its models folder."));
        if (threads > cpu.UsableCores)
            problems.Add(new($"libtorch uses {threads} threads on {cpu.UsableCores} usable cores.", "Unset OMP_NUM_THREADS, or set --threads."));
        foreach (var notice in torchReport?.Notices ?? [])
            problems.Add(new(notice, "Set LLAVA_CACHE to a folder that can be written."));
        return new MachineReport
        {
            Versions = Versions(torchReport is not null, problems),
            Cpu = cpu,
            Memory = memory,
            Devices = devices,
            Torch = torchReport,
            TorchThreads = threads,
            OpenMpSettings = _openMpVariables
                .Select(name => (Name: name, Value: Environment.GetEnvironmentVariable(name)))
                .Where(setting => setting.Value is { Length: > 0 })
                .ToDictionary(setting => setting.Name, setting => setting.Value!),
            CacheFolder = Native.CacheFolder.Root,
            EmbeddedModel = embedded,
            Problems = problems,
        };
    }

    private static TorchRuntimeReport? LoadTorch(List<MachineProblem> problems)
    {
        try
        {
            return TorchRuntime.Report;
        }
        catch (NativeLibraryException exception)
        {
            problems.Add(new("libtorch cannot be used.", exception.Message, IsFatal: true));
            return null;
        }
    }

    private static List<DeviceReport> Devices(CpuReport cpu, bool torchLoaded, List<MachineProblem> problems)
    {
        var devices = new List<DeviceReport> { new() { Device = "cpu", Name = cpu.Model ?? NativeFileLocator.Platform, IsUsable = torchLoaded } };
        var cuda = CudaDriver.Devices();
        var cudaUsable = torchLoaded && cuda.Count > 0 && torch.cuda.is_available();
        for (var i = 0; i < cuda.Count; i++)
            devices.Add(new() { Device = $"cuda:{i}", Name = cuda[i].Name, Memory = cuda[i].Memory, ComputeCapability = cuda[i].ComputeCapability, IsUsable = cudaUsable });
        if (cuda.Count > 0 && torchLoaded && !cudaUsable)
            problems.Add(TorchRuntime.Report.Loaded.Any(file => file.Contains("torch_cuda", StringComparison.Ordinal))
                ? new("libtorch was built with CUDA but cannot use the device.", "Update NVIDIA's driver to one that supports the CUDA version of this libtorch.")
                : new($"There is a GPU ({cuda[0].Name}), but this libtorch is the CPU build.", "Build with -p:LlavaTorchBackend=cuda, or reference TorchSharp-cuda-linux or TorchSharp-cuda-windows."));
        if (torchLoaded && OperatingSystem.IsMacOS() && torch.mps_is_available())
            devices.Add(new() { Device = "mps", Name = cpu.Model ?? "Apple GPU", IsUsable = true });
        return devices;
    }

    private static VersionReport Versions(bool torchLoaded, List<MachineProblem> problems) => new()
    {
        OperatingSystem = RuntimeInformation.OSDescription,
        Platform = NativeFileLocator.Platform,
        DotNet = RuntimeInformation.FrameworkDescription,
        LlavaSharp = Version(typeof(Doctor).Assembly),
        TorchSharp = Version(typeof(torch).Assembly),
        LibTorch = torchLoaded ? TorchAbi.LibTorchVersion : null,
        SkiaSharpNative = SkiaVersion(problems),
    };

    private static string? SkiaVersion(List<MachineProblem> problems)
    {
        try
        {
            return SkiaSharpVersion.Native.ToString();
        }
        catch (Exception exception) when (exception is DllNotFoundException or TypeInitializationException or EntryPointNotFoundException or BadImageFormatException)
        {
            var cause = (exception.InnerException ?? exception).Message.Split('\n')[0];
            problems.Add(new("Pictures cannot be decoded: SkiaSharp's native part cannot be loaded.", $"Restore the packages again or publish with the native files ({cause}).", IsFatal: true));
            return null;
        }
    }

    private static string Version(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? assembly.GetName().Version?.ToString() ?? "unknown";

    // From the application's folder upwards: a published application has it beside itself, a build in the repository at its root.
}
