using LlavaSharp.Native;
using TorchSharp;

namespace LlavaSharp.Tests.Native;

public sealed class TorchRuntimeTests
{
    [Fact]
    public void Initialize_ManyThreadsAtOnce_TensorsWork()
    {
        Parallel.For(0, 8, _ => TorchRuntime.Initialize());
        using var ones = torch.ones(3, 4);
        using var sum = ones.sum();

        Assert.Equal(12f, sum.item<float>());
        Assert.Same(TorchRuntime.Report, TorchRuntime.Report);
    }

    [Fact]
    public void Report_SaysWhatWasLoaded()
    {
        var report = TorchRuntime.Report;

        Assert.True(File.Exists(report.BindingFile));
        Assert.Contains(report.Loaded, file => file.Contains("torch_cpu"));
        Assert.Equal(report.PatchedVersions.Count > 0, report.BindingFile != report.LoadedBindingFile);
    }

    [Fact]
    public void CudaIsAvailable_OnTheCpuBuild_AnswersWithoutAnError()
    {
        TorchRuntime.Initialize();
        var hasCuda = TorchRuntime.Report.Loaded.Any(file => file.Contains("torch_cuda"));

        Assert.True(hasCuda || !torch.cuda.is_available());
    }

    [Fact]
    public void Inspect_ThisMachine_HasNoFatalProblem()
    {
        var report = Doctor.Inspect();

        Assert.DoesNotContain(report.Problems, problem => problem.IsFatal);
        Assert.Equal("cpu", report.Devices[0].Device);
        Assert.True(report.Devices[0].IsUsable);
        Assert.Equal(torch.__version__, report.Versions.LibTorch + ".0");
        Assert.NotNull(report.Versions.SkiaSharpNative);
        Assert.InRange(report.Cpu.UsableCores, 1, report.Cpu.LogicalCores);
        Assert.True(report.TorchThreads > 0);
    }
}
