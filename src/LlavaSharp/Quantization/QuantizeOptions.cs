namespace LlavaSharp.Quantization;

/// <summary>How a checkpoint is quantised. Everything has a default.</summary>
public sealed record QuantizeOptions
{
    /// <summary>Bits a weight of the language model's linear layers: 4 or 8. The output matrix and the projector always take 8.</summary>
    public int Bits { get; init; } = 4;

    /// <summary>Bits a weight of the vision tower's linear layers: 8, or null to leave them in floating point.</summary>
    public int? TowerBits { get; init; } = 8;

    /// <summary>
    /// Whether the model reads a text in float32 first, so that the language model's 4-bit weights are rounded for the least error of the layers' outputs on it
    /// (GPTQ, Frantar et al. 2022); else each is rounded to the nearest.
    /// </summary>
    public bool Calibrate { get; init; }

    /// <summary>The file of that text; null: a general English one that comes with the library.</summary>
    public string? CalibrationFile { get; init; }

    /// <summary>Never ask a hub for the vision tower.</summary>
    public bool Offline { get; init; }

    /// <summary>Told how far it has come.</summary>
    public IProgress<QuantizationProgress>? Progress { get; init; }

    /// <exception cref="LlavaException">A number of bits that there is not.</exception>
    internal void Check()
    {
        if (Bits is not (4 or 8))
            throw new LlavaException($"Weights are packed in 4 or 8 bits, not in {Bits} (--bits).");
        if (Bits == 8 && Calibrate)
            throw new LlavaException("A calibration text is for 4 bits; 8 bits need none. Leave it off (--calibrate), or ask for 4 bits.");
        if (CalibrationFile is not null && !Calibrate)
            throw new LlavaException($"The calibration text '{CalibrationFile}' is named but not asked for: set {nameof(Calibrate)}, too.");
        if (TowerBits is not (null or 8))
            throw new LlavaException($"The vision tower is packed in 8 bits or stays in floating point; {TowerBits} bits are not offered.");
    }
}
