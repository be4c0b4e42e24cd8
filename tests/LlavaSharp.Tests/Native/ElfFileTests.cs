using LlavaSharp.Native;

namespace LlavaSharp.Tests.Native;

public sealed class ElfFileTests
{
    [Fact]
    public void Parse_SharedObject_ReadsWhatItNeedsAndOffers()
    {
        var file = ElfFile.Parse(ElfBuilder.Build(["V_1", "V_2"], defines: ["libself.so", "OWN_1"]), "self");

        Assert.Equal(62, file.Machine);
        Assert.Equal([ElfBuilder.Library], file.Needed);
        Assert.Equal([("V_1", (ushort)2), ("V_2", (ushort)3)], file.VersionNeeds.Select(need => (need.Version, need.Index)));
        Assert.All(file.VersionNeeds, need => Assert.Equal((ElfBuilder.Library, false), (need.Library, need.IsWeak)));
        Assert.Equal(["OWN_1", "libself.so"], file.DefinedVersions.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void SymbolsBoundTo_OnlyTheVersionThatARelocationUses_HasASymbol()
    {
        var file = ElfFile.Parse(ElfBuilder.Build(["V_1", "V_2"], usedVersion: 1), "self");

        Assert.Empty(file.SymbolsBoundTo(2));
        Assert.Equal([ElfBuilder.Symbol], file.SymbolsBoundTo(3));
    }

    [Theory]
    [InlineData("")]
    [InlineData("MZ")]
    [InlineData("\x7f" + "ELF")]
    public void Parse_OtherBytes_IsATypedError(string text)
    {
        var error = Assert.Throws<NativeLibraryException>(() => ElfFile.Parse([.. text.Select(c => (byte)c)], "x.so"));

        Assert.Equal("x.so", error.Library);
        Assert.Contains("x.so", error.Message);
    }

    [Fact]
    public void Parse_Truncated_IsATypedErrorAtEveryLengthUntilItsTablesAreWhole()
    {
        var whole = ElfBuilder.Build(["V_1"]);
        for (var length = 0; length < 0xc00; length += 7) // the string table comes last
            Assert.Throws<NativeLibraryException>(() => ElfFile.Parse(whole[..length], "x.so"));
    }

    [Fact]
    public void CheckWhole_OnlyTheUncutFile_Passes()
    {
        var path = Path.GetTempFileName();
        try
        {
            var whole = ElfBuilder.Build(["V_1"]);
            File.WriteAllBytes(path, whole);
            Assert.Equal(62, ElfFile.CheckWhole(path));
            foreach (var length in new[] { 0, 10, 63, 64, 100, 0x100, whole.Length - 1 })
            {
                File.WriteAllBytes(path, whole[..length]);
                Assert.Throws<NativeLibraryException>(() => ElfFile.CheckWhole(path));
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void CheckWhole_FiveThousandDamagedHeaders_OnlyTypedErrors()
    {
        var random = new Random(7);
        var seed = ElfBuilder.Build(["V_1"]);
        var path = Path.GetTempFileName();
        try
        {
            for (var run = 0; run < 5000; run++)
            {
                File.WriteAllBytes(path, Damage(seed, random));
                try
                {
                    ElfFile.CheckWhole(path);
                }
                catch (NativeLibraryException)
                {
                    // the only kind of error that may come
                }
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Parse_FiveThousandDamagedFiles_OnlyTypedErrorsAndLittleMemory()
    {
        var random = new Random(20_240_731);
        var seed = ElfBuilder.Build(["V_1", "V_2", "V_3"], usedVersion: 2, defines: ["A", "B"]);
        int understood = 0, refused = 0;
        for (var run = 0; run < 5000; run++)
        {
            var bytes = Damage(seed, random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                var file = ElfFile.Parse(bytes, "x.so");
                ElfVersionPatcher.MakeWeak(bytes, "x.so", ElfVersionPatcher.FindMissing(file, ElfBuilder.Library, new HashSet<string> { "V_1" }));
                understood++;
            }
            catch (NativeLibraryException)
            {
                refused++;
            }
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 10L * bytes.Length + (64 << 20), $"run {run} took too much memory");
        }
        Assert.True(understood > 100 && refused > 100, $"{understood} understood, {refused} refused: the damage is not varied enough");
    }

    // Header, tables and strings are where the numbers are; the rest of the file is empty.
    private static byte[] Damage(byte[] seed, Random random)
    {
        var bytes = (byte[])seed.Clone();
        uint[] telling = [0, 1, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff];
        for (var i = random.Next(1, 8); i > 0; i--)
        {
            int[] starts = [0, 64, 0x100, 0x300, 0x800, 0xa00, 0xb00, 0xb40, 0xc00];
            var at = starts[random.Next(starts.Length)] + random.Next(0x90);
            switch (random.Next(4))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: BitConverter.TryWriteBytes(bytes.AsSpan(at & ~3), telling[random.Next(telling.Length)]); break;
                default: BitConverter.TryWriteBytes(bytes.AsSpan(at & ~7), 0x10000 + random.NextInt64(seed.Length)); break;
            }
        }
        return random.Next(10) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }
}
