using System.Text.Json;

namespace LlavaSharp.Cli.Tests;

public sealed class DoctorCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("llava-doctor-test-");

    private string Cache => Path.Combine(_folder.FullName, "cache");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Doctor_FourProcessesAtOnceWithAnEmptyCache_AllSucceed()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => LlavaProcess.RunAsync(["doctor", "--json"], ("LLAVA_CACHE", Cache))));

        foreach (var outcome in outcomes)
        {
            Assert.Equal(("", 0), (outcome.Error, outcome.ExitCode));
            var report = JsonDocument.Parse(outcome.Output).RootElement;
            Assert.Equal(Cache, report.GetProperty("cache_folder").GetString());
            var loaded = report.GetProperty("torch").GetProperty("loaded_binding_file").GetString()!;
            Assert.Equal(IsPatched(report), loaded.StartsWith(Cache, StringComparison.Ordinal));
            Assert.True(!IsPatched(report) || Directory.GetFiles(Path.Combine(Cache, "native")) is [var only] && only == loaded);
        }
    }

    [Fact]
    public async Task Doctor_CacheThatCannotBeWritten_UsesATemporaryCopyAndSaysSo()
    {
        File.WriteAllText(Cache, "a file where the folder should be"); // holds for the administrator too, unlike permissions

        var outcome = await LlavaProcess.RunAsync(["doctor", "--json"], ("LLAVA_CACHE", Cache), ("TMPDIR", _folder.FullName));

        Assert.Equal(("", 0), (outcome.Error, outcome.ExitCode));
        var report = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.SkipUnless(IsPatched(report), "This system's C++ library needs no patched copy.");
        Assert.Contains(Cache, Assert.Single(report.GetProperty("torch").GetProperty("notices").EnumerateArray()).GetString());
        Assert.Contains(report.GetProperty("problems").EnumerateArray(), problem => problem.GetProperty("problem").GetString()!.Contains(Cache, StringComparison.Ordinal));
        Assert.Equal([Cache], Directory.GetFileSystemEntries(_folder.FullName)); // the temporary copy is gone
    }

    [Fact]
    public async Task Doctor_DamagedCachedCopy_IsMadeAnew()
    {
        var first = JsonDocument.Parse((await LlavaProcess.RunAsync(["doctor", "--json"], ("LLAVA_CACHE", Cache))).Output).RootElement;
        Assert.SkipUnless(IsPatched(first), "This system's C++ library needs no patched copy.");
        var copy = first.GetProperty("torch").GetProperty("loaded_binding_file").GetString()!;
        var whole = File.ReadAllBytes(copy);
        var damaged = (byte[])whole.Clone();
        damaged.AsSpan(damaged.Length / 4, 1000).Fill(0xcc); // would crash if it were loaded
        File.WriteAllBytes(copy, damaged);

        var outcome = await LlavaProcess.RunAsync(["doctor", "--json"], ("LLAVA_CACHE", Cache));

        Assert.Equal(("", 0), (outcome.Error, outcome.ExitCode));
        Assert.Equal(whole, File.ReadAllBytes(copy));
    }

    [Fact]
    public async Task Doctor_TorchFolderWithoutTorch_FailsWithOneLineThatSaysWhereAndWhat()
    {
        var outcome = await LlavaProcess.RunAsync(["doctor"], ("LLAVA_TORCH_PATH", _folder.FullName));

        Assert.Equal(1, outcome.ExitCode);
        var line = Assert.Single(outcome.Error.TrimEnd('\n').Split('\n'));
        Assert.Contains(_folder.FullName, line);
        Assert.Contains("torch_cpu", line);
        Assert.Contains("LLAVA_TORCH_PATH", line);
        Assert.Contains("not loaded", outcome.Output); // the report is still printed
    }

    [Fact]
    public async Task Doctor_HalfATorchFolder_NamesTheFileThatIsMissing()
    {
        var report = JsonDocument.Parse((await LlavaProcess.RunAsync(["doctor", "--json"], ("LLAVA_CACHE", Cache))).Output).RootElement;
        var torch = report.GetProperty("torch").GetProperty("torch_folder").GetString()!;
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Links are made as on Linux.");
        File.CreateSymbolicLink(Path.Combine(_folder.FullName, "libtorch_cpu.so"), Path.Combine(torch, "libtorch_cpu.so"));

        var outcome = await LlavaProcess.RunAsync(["doctor"], ("LLAVA_CACHE", Cache), ("LLAVA_TORCH_PATH", _folder.FullName));

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("libc10.so was not found", outcome.Error);
    }

    [Fact]
    public async Task Doctor_TorchForAnotherProcessor_SaysSo()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The check reads ELF files.");
        foreach (var name in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so" })
        {
            var header = new byte[64];
            "\u007fELF"u8.CopyTo(header);
            (header[4], header[5], header[16], header[18]) = (2, 1, 3, 21); // PowerPC
            (header[32], header[54], header[56]) = (8, 56, 1); // a program header inside the file, of no kind that is loaded
            File.WriteAllBytes(Path.Combine(_folder.FullName, name), header);
        }

        var outcome = await LlavaProcess.RunAsync(["doctor"], ("LLAVA_CACHE", Cache), ("LLAVA_TORCH_PATH", _folder.FullName));

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("libc10.so was built for machine 21", outcome.Error);
    }

    [Fact]
    public async Task Doctor_TorchFileCutShort_IsAnErrorAndNotACrash()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The check reads ELF files.");
        var report = JsonDocument.Parse((await LlavaProcess.RunAsync(["doctor", "--json"], ("LLAVA_CACHE", Cache))).Output).RootElement;
        var torch = report.GetProperty("torch").GetProperty("torch_folder").GetString()!;
        foreach (var name in new[] { "libc10.so", "libtorch.so" })
            File.CreateSymbolicLink(Path.Combine(_folder.FullName, name), Path.Combine(torch, name));
        using (var whole = File.OpenRead(Path.Combine(torch, "libtorch_cpu.so")))
        {
            var start = new byte[1_000_000];
            whole.ReadExactly(start);
            File.WriteAllBytes(Path.Combine(_folder.FullName, "libtorch_cpu.so"), start);
        }

        var outcome = await LlavaProcess.RunAsync(["doctor"], ("LLAVA_CACHE", Cache), ("LLAVA_TORCH_PATH", _folder.FullName));

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("libtorch_cpu.so is not whole", outcome.Error);
    }

    [Fact]
    public async Task Doctor_WithoutTheOpenMpLibraryOfTorch_SaysWhichAndWhatToInstall()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Links are made as on Linux.");
        var report = JsonDocument.Parse((await LlavaProcess.RunAsync(["doctor", "--json"], ("LLAVA_CACHE", Cache))).Output).RootElement;
        var torch = report.GetProperty("torch").GetProperty("torch_folder").GetString()!;
        foreach (var name in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so" })
            File.CreateSymbolicLink(Path.Combine(_folder.FullName, name), File.ResolveLinkTarget(Path.Combine(torch, name), true)?.FullName ?? Path.Combine(torch, name));

        var outcome = await LlavaProcess.RunAsync(["doctor"], ("LLAVA_CACHE", Cache), ("LLAVA_TORCH_PATH", _folder.FullName));

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("libgomp", outcome.Error);
        Assert.Contains("apt-get install libgomp1", outcome.Error);
        Assert.Single(outcome.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task Doctor_Redirected_PrintsNoEscapeCodes()
    {
        var outcome = await LlavaProcess.RunAsync(["doctor"], ("LLAVA_CACHE", Cache));

        Assert.Equal(0, outcome.ExitCode);
        Assert.DoesNotContain('\u001b', outcome.Output);
        Assert.Contains("TorchSharp", outcome.Output);
    }

    [Theory]
    [InlineData("doctor", "--nonsense")]
    [InlineData("nonsense")]
    public async Task Llava_WrongUsage_ExitsWithTwoAndOneLine(params string[] arguments)
    {
        var outcome = await LlavaProcess.RunAsync(arguments);

        Assert.Equal((2, ""), (outcome.ExitCode, outcome.Output));
        Assert.StartsWith("llava", Assert.Single(outcome.Error.TrimEnd('\n').Split('\n')));
    }

    private static bool IsPatched(JsonElement report) => report.GetProperty("torch").GetProperty("patched_versions").GetArrayLength() > 0;
}
