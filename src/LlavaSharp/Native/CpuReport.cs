namespace LlavaSharp.Native;

/// <summary>The processor, and what of it this process may use.</summary>
public sealed record CpuReport
{
    /// <summary>The name that the processor gives itself; null when it does not say.</summary>
    public string? Model { get; init; }

    /// <summary>The cores without counting hardware threads; null when the system does not say.</summary>
    public int? PhysicalCores { get; init; }

    /// <summary>The hardware threads of the machine.</summary>
    public required int LogicalCores { get; init; }

    /// <summary>The hardware threads that this process may use (affinity and container limits).</summary>
    public required int UsableCores { get; init; }

    /// <summary>The instruction sets that matter to the kernels and that are usable, such as <c>AVX2</c> or <c>AVX512-VNNI</c>.</summary>
    public required IReadOnlyList<string> InstructionSets { get; init; }

    /// <summary>
    /// Whether libtorch multiplies int8 matrices fast: with AVX512-VNNI. Without it <c>aten::_int_mm</c> is a plain loop, slower than float32
    /// by a factor of 30 (measured on a processor with AVX2 alone).
    /// </summary>
    public required bool HasFastInt8Products { get; init; }
}
