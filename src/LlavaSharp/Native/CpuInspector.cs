using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace LlavaSharp.Native;

/// <summary>Asks the processor and the system what the processor is.</summary>
internal static partial class CpuInspector
{
    /// <summary>The processor of this machine.</summary>
    public static CpuReport Inspect()
    {
        var sets = InstructionSets();
        return new CpuReport
        {
            Model = Model(),
            PhysicalCores = PhysicalCores(),
            LogicalCores = LogicalCores(),
            UsableCores = Environment.ProcessorCount,
            InstructionSets = sets,
            HasFastInt8Products = sets.Contains("AVX512-VNNI"),
        };
    }

    private static List<string> InstructionSets()
    {
        var sets = new List<string>();
        Add(Avx.IsSupported, "AVX");
        Add(Avx2.IsSupported, "AVX2");
        Add(Fma.IsSupported, "FMA");
        Add(Avx512F.IsSupported, "AVX512F");
        Add(Avx512BW.IsSupported, "AVX512BW");
        if (X86Base.IsSupported)
        {
            // .NET has no class for these: leaf 7 of CPUID (Intel's manual, volume 2A); the F and AVX tests above cover the system's part
            var (_, _, ecx, edx) = X86Base.CpuId(7, 0);
            var (eax1, _, _, _) = X86Base.CpuId(7, 1);
            Add(Avx512F.IsSupported && Bit(ecx, 11), "AVX512-VNNI");
            Add(Avx512F.IsSupported && Bit(eax1, 5), "AVX512-BF16");
            Add(Avx2.IsSupported && Bit(eax1, 4), "AVX-VNNI");
            Add(Bit(edx, 22), "AMX-BF16");
            Add(Bit(edx, 25), "AMX-INT8");
        }
        Add(AdvSimd.IsSupported, "NEON");
        Add(Dp.IsSupported, "DOTPROD");
        return sets;

        void Add(bool supported, string name)
        {
            if (supported)
                sets.Add(name);
        }

        static bool Bit(int value, int bit) => (value >> bit & 1) != 0;
    }

    private static string? Model()
    {
        if (X86Base.IsSupported)
        {
            const int brandString = unchecked((int)0x80000000);
            if ((uint)X86Base.CpuId(brandString, 0).Eax < 0x80000004)
                return null;
            Span<int> words = stackalloc int[12];
            for (var i = 0; i < 3; i++)
                (words[4 * i], words[4 * i + 1], words[4 * i + 2], words[4 * i + 3]) = X86Base.CpuId(brandString + 2 + i, 0);
            return Clean(Encoding.ASCII.GetString(MemoryMarshal.AsBytes(words)));
        }
        if (OperatingSystem.IsMacOS())
            return Clean(SystemControlText("machdep.cpu.brand_string"));
        return SystemFiles.Lines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.OrdinalIgnoreCase)) is { } line
            ? Clean(line[(line.IndexOf(':') + 1)..])
            : null;

        static string? Clean(string? text) => text?.Trim(' ', '\0') is { Length: > 0 } clean ? clean : null;
    }

    private static int? PhysicalCores()
    {
        if (OperatingSystem.IsMacOS())
            return SystemControlNumber("hw.physicalcpu");
        if (!OperatingSystem.IsLinux())
            return null;
        var cores = CpuFolders().Select(cpu => SystemFiles.Line(Path.Combine(cpu, "topology", "thread_siblings_list"))).OfType<string>().Distinct().Count();
        return cores > 0 ? cores : null;
    }

    private static int LogicalCores() =>
        OperatingSystem.IsMacOS() ? SystemControlNumber("hw.logicalcpu") ?? Environment.ProcessorCount
        : OperatingSystem.IsLinux() ? Math.Max(CpuFolders().Count(), Environment.ProcessorCount)
        : Environment.ProcessorCount;

    private static IEnumerable<string> CpuFolders()
    {
        const string root = "/sys/devices/system/cpu";
        return Directory.Exists(root)
            ? Directory.EnumerateDirectories(root, "cpu*").Where(folder => Path.GetFileName(folder).AsSpan(3) is { Length: > 0 } rest && !rest.ContainsAnyExceptInRange('0', '9'))
            : [];
    }

    private static unsafe string? SystemControlText(string name)
    {
        Span<byte> value = stackalloc byte[256];
        nuint size = (nuint)value.Length;
        fixed (byte* first = value)
            return SystemControl(name, first, &size, null, 0) == 0 ? Encoding.UTF8.GetString(value[..(int)size]) : null;
    }

    private static unsafe int? SystemControlNumber(string name)
    {
        int value;
        nuint size = sizeof(int);
        return SystemControl(name, (byte*)&value, &size, null, 0) == 0 ? value : null;
    }

    [LibraryImport("libSystem", EntryPoint = "sysctlbyname", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int SystemControl(string name, byte* value, nuint* size, void* newValue, nuint newSize);
}
