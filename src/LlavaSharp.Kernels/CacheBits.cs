namespace LlavaSharp.Kernels;

/// <summary>Bits of a number in a <see cref="KeyValueStore"/>.</summary>
internal enum CacheBits
{
    /// <summary>Eight: half the memory, for an error of 0.4 % of a head's largest number.</summary>
    Eight = 8,

    /// <summary>Sixteen: as much memory as float16, with an error sixteen times smaller, and half the instructions to read.</summary>
    Sixteen = 16,
}
