namespace LlavaSharp.Quantization;

/// <summary>Values in NF4.</summary>
/// <param name="Count">How many.</param>
/// <param name="Packed">Two levels a byte, the first one in the high nibble.</param>
/// <param name="Magnitudes">One a block, as they are restored.</param>
/// <param name="MagnitudeLevels">One a block: index into <see cref="NormalFloat4.NestedLevels"/>; null when not doubly quantised.</param>
/// <param name="NestedMagnitudes">One for each 256 blocks; null when not doubly quantised.</param>
/// <param name="Offset">The mean that was taken from the magnitudes.</param>
internal sealed record NormalFloat4Values(int Count, byte[] Packed, float[] Magnitudes, byte[]? MagnitudeLevels, float[]? NestedMagnitudes, float Offset)
{
    /// <summary>The values again.</summary>
    /// <param name="values">Room for <see cref="Count"/>.</param>
    public void Dequantize(Span<float> values)
    {
        var levels = NormalFloat4.Levels;
        for (var i = 0; i < Count; i++)
        {
            var pair = Packed[i / 2];
            values[i] = levels[i % 2 == 0 ? pair >> 4 : pair & 15] * Magnitudes[i / NormalFloat4.BlockSize];
        }
    }
}
