using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using LlavaSharp.Native;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava doctor</c>: what this machine offers, and what stands in the way.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Print one JSON object and nothing else on standard output." };
        var command = new Command("doctor", "Show what this machine offers (processor, memory, devices, native libraries) and what stands in the way.") { json };
        command.SetAction(parsed => Run(parsed.GetValue(json), Console.Out, Console.Error));
        return command;
    }

    private static int Run(bool json, TextWriter output, TextWriter error)
    {
        var report = Doctor.Inspect();
        if (json)
            output.WriteLine(JsonSerializer.Serialize(report, DoctorJson.Default.MachineReport));
        else
            new ReportPrinter(output).Print("llava doctor", [.. Sections(report)]);
        if (report.Problems.FirstOrDefault(problem => problem.IsFatal) is not { } fatal)
            return CommandRunner.Done;
        error.WriteLine($"llava: {fatal.Problem} {fatal.Advice}");
        return CommandRunner.Failed;
    }

    private static IEnumerable<ReportSection> Sections(MachineReport report)
    {
        yield return new("Versions",
        [
            ("System", $"{report.Versions.OperatingSystem} ({report.Versions.Platform})"),
            (".NET", report.Versions.DotNet),
            ("LlavaSharp", report.Versions.LlavaSharp),
            ("TorchSharp", report.Versions.TorchSharp),
            ("libtorch", report.Versions.LibTorch ?? "not loaded"),
            ("SkiaSharp native", report.Versions.SkiaSharpNative ?? "not loaded"),
        ]);
        yield return new("Processor and memory",
        [
            ("Processor", report.Cpu.Model ?? "unknown"),
            ("Cores", string.Create(CultureInfo.InvariantCulture, $"{report.Cpu.PhysicalCores?.ToString(CultureInfo.InvariantCulture) ?? "?"} physical, {report.Cpu.LogicalCores} logical, {report.Cpu.UsableCores} usable")),
            ("Instruction sets", report.Cpu.InstructionSets.Count > 0 ? string.Join(' ', report.Cpu.InstructionSets) : "none of those that matter"),
            ("Fast int8 products", report.Cpu.HasFastInt8Products ? "yes" : "no (AVX512-VNNI is missing)"),
            ("Memory", $"{Gigabytes(report.Memory.Total)}, {(report.Memory.Available is { } available ? Gigabytes(available) : "?")} available"),
            ("Container limit", report.Memory.ContainerLimit is { } limit ? $"{Gigabytes(limit)}, {Gigabytes(report.Memory.ContainerUsage ?? 0)} used" : "none"),
        ]);
        yield return new("Devices", [.. report.Devices.Select(device => (device.Device, Describe(device)))]);
        yield return new("Tensors", [.. Tensors(report)]);
        yield return new("Files",
        [
            ("Cache folder", report.CacheFolder),
            ("Embedded model", report.EmbeddedModel ?? "not found"),
        ]);
        yield return new("Problems", report.Problems.Count == 0 ? [("none", "")] : [.. report.Problems.Select(problem => (problem.Problem, problem.Advice))]);
    }

    private static IEnumerable<(string, string)> Tensors(MachineReport report)
    {
        yield return ("Threads", report.TorchThreads?.ToString(CultureInfo.InvariantCulture) ?? "libtorch not loaded");
        foreach (var (name, value) in report.OpenMpSettings)
            yield return (name, value);
        if (report.Torch is not { } torch)
            yield break;
        yield return ("libtorch", torch.TorchFolder);
        yield return ("TorchSharp native", torch.LoadedBindingFile);
        yield return ("Patched", torch.PatchedVersions.Count == 0
            ? "no: the system's C++ library offers all versions"
            : $"yes: {torch.SystemCppLibrary} lacks {string.Join(", ", torch.PatchedVersions)}, which is asked for but not used");
    }

    private static string Describe(DeviceReport device) =>
        device.Name
        + (device.Memory is { } memory ? $", {Gigabytes(memory)}" : "")
        + (device.ComputeCapability is { } capability ? $", compute capability {capability}" : "")
        + (device.IsUsable ? "" : " (not usable)");

    private static string Gigabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 30):F1} GiB");
}
