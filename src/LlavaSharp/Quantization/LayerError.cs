namespace LlavaSharp.Quantization;

/// <summary>How far a layer's outputs are from those of its reference, both on the reference's inputs.</summary>
/// <param name="Path">The layer.</param>
/// <param name="Relative">||y - y'|| / ||y|| over all outputs; 0 where both are zero.</param>
internal readonly record struct LayerError(string Path, double Relative);
