namespace LlavaSharp.Kernels;

/// <summary>What a kernel multiplies: a block of 16 rows and one or several tokens. The kernels move through the memory themselves.</summary>
internal unsafe struct BlockOperands
{
    /// <summary>[groups][16] halves.</summary>
    public byte* Scales;

    /// <summary>The block's values, as <see cref="PackedLayout"/> says.</summary>
    public byte* Weights;

    /// <summary>Groups of 32 inputs.</summary>
    public int Groups;

    /// <summary><see cref="PackedLayout.Exponent"/>.</summary>
    public int Exponent;

    /// <summary><see cref="PackedLayout.ScaleBias"/>.</summary>
    public readonly int ScaleBias => new PackedLayout(0, 0, default, Exponent).ScaleBias;

    /// <summary>[tokens][groups * 32], for 4-bit weights: <see cref="QuantizedActivations.Values"/>.</summary>
    public sbyte* X;

    /// <summary>[tokens][groups * 32], for 8-bit weights: <see cref="QuantizedActivations.Wide"/>.</summary>
    public short* XWide;

    /// <summary>[tokens][groups].</summary>
    public float* XScales;

    /// <summary>[tokens][groups], for 4-bit weights: <see cref="QuantizedActivations.Offsets"/>.</summary>
    public int* XOffsets;

    /// <summary>[tokens][16].</summary>
    public float* Results;
}
