namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>How a tensor of a GGUF file is stored; the numbers are those of the file.</summary>
internal enum GgufType
{
    /// <summary>Single precision.</summary>
    F32 = 0,

    /// <summary>Half precision.</summary>
    F16 = 1,

    /// <summary>32 values: a scale, and 4 bits each.</summary>
    Q4_0 = 2,

    /// <summary>32 values: a scale, a minimum, and 4 bits each.</summary>
    Q4_1 = 3,

    /// <summary>32 values: a scale, and 5 bits each.</summary>
    Q5_0 = 6,

    /// <summary>32 values: a scale, a minimum, and 5 bits each.</summary>
    Q5_1 = 7,

    /// <summary>32 values: a scale, and 8 bits each.</summary>
    Q8_0 = 8,

    /// <summary>256 values: 2 bits each, 16 scales and minima of 4 bits.</summary>
    Q2_K = 10,

    /// <summary>256 values: 3 bits each, 16 scales of 6 bits.</summary>
    Q3_K = 11,

    /// <summary>256 values: 4 bits each, 8 scales and minima of 6 bits.</summary>
    Q4_K = 12,

    /// <summary>256 values: 5 bits each, 8 scales and minima of 6 bits.</summary>
    Q5_K = 13,

    /// <summary>256 values: 6 bits each, 16 scales of 8 bits.</summary>
    Q6_K = 14,

    /// <summary>32 values: a scale, and one of sixteen uneven levels each.</summary>
    IQ4_NL = 20,

    /// <summary>256 values: one of sixteen uneven levels each, 8 scales of 6 bits.</summary>
    IQ4_XS = 23,

    /// <summary>The upper half of single precision.</summary>
    BF16 = 30,
}
