using LlavaSharp.Native;

namespace LlavaSharp.Tests.Native;

public sealed class ElfVersionPatcherTests
{
    private static readonly HashSet<string> _offered = ["GLIBCXX_3.4", "GLIBCXX_3.4.30"];

    [Fact]
    public void FindMissing_SystemOffersAll_FindsNone() =>
        Assert.Empty(ElfVersionPatcher.FindMissing(ElfFile.Parse(ElfBuilder.Build(["GLIBCXX_3.4"]), "x.so"), ElfBuilder.Library, _offered));

    [Fact]
    public void FindMissing_OtherLibrary_IsNotAsked() =>
        Assert.Empty(ElfVersionPatcher.FindMissing(ElfFile.Parse(ElfBuilder.Build(["GLIBC_9"]), "x.so"), "libc.so.6", _offered));

    [Fact]
    public void MakeWeak_UnusedVersion_ChangesOneBitAndIsIdempotent()
    {
        var bytes = ElfBuilder.Build(["GLIBCXX_3.4", "GLIBCXX_3.4.32"], usedVersion: 0);
        var missing = ElfVersionPatcher.FindMissing(ElfFile.Parse(bytes, "x.so"), ElfBuilder.Library, _offered);

        var patched = ElfVersionPatcher.MakeWeak(bytes, "x.so", missing);

        Assert.Equal(["GLIBCXX_3.4.32"], missing.Select(need => need.Version));
        var changed = Enumerable.Range(0, bytes.Length).Where(i => bytes[i] != patched[i]).ToArray();
        Assert.Equal([(int)missing[0].FlagsOffset], changed);
        Assert.Equal(2, bytes[changed[0]] ^ patched[changed[0]]);
        Assert.Empty(ElfVersionPatcher.FindMissing(ElfFile.Parse(patched, "x.so"), ElfBuilder.Library, _offered));
        Assert.Equal(patched, ElfVersionPatcher.MakeWeak(patched, "x.so", missing));
    }

    [Fact]
    public void MakeWeak_UsedVersion_IsRefusedWithTheSymbolsName()
    {
        var bytes = ElfBuilder.Build(["GLIBCXX_3.4", "GLIBCXX_3.4.32"], usedVersion: 1);
        var missing = ElfVersionPatcher.FindMissing(ElfFile.Parse(bytes, "x.so"), ElfBuilder.Library, _offered);

        var error = Assert.Throws<NativeLibraryException>(() => ElfVersionPatcher.MakeWeak(bytes, "x.so", missing));

        Assert.Contains(ElfBuilder.Symbol, error.Message);
        Assert.Contains("GLIBCXX_3.4.32", error.Message);
    }

    [Fact]
    public void MakeWeak_RequirementOfAnotherFile_IsRefused()
    {
        var bytes = ElfBuilder.Build(["GLIBCXX_3.4"]);

        Assert.Throws<NativeLibraryException>(() => ElfVersionPatcher.MakeWeak(bytes, "x.so", [new(ElfBuilder.Library, "OTHER", 2, false, 100)]));
    }

    [Fact]
    public void MakeWeak_TorchSharpsOwnFile_NeedsNothingOfTheNewestVersion()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux has symbol versions.");
        var path = TorchRuntime.Report.BindingFile;
        var bytes = File.ReadAllBytes(path);
        var file = ElfFile.Parse(bytes, path);
        // as on Debian 12 and Ubuntu 22.04, whatever this system has
        var offered = file.VersionNeeds.Select(need => need.Version).Where(version => version != "GLIBCXX_3.4.32").ToHashSet();

        var missing = ElfVersionPatcher.FindMissing(file, ElfBuilder.Library, offered);
        var patched = ElfVersionPatcher.MakeWeak(bytes, path, missing);

        Assert.Single(missing);
        Assert.Equal(1, Enumerable.Range(0, bytes.Length).Count(i => bytes[i] != patched[i]));
        // a version that it does use is refused
        var used = file.VersionNeeds.First(need => need.Version == "GLIBCXX_3.4.20");
        Assert.Throws<NativeLibraryException>(() => ElfVersionPatcher.MakeWeak(bytes, path, [used]));
    }
}
