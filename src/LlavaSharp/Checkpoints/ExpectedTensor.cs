namespace LlavaSharp.Checkpoints;

/// <summary>A tensor that a config asks for.</summary>
/// <param name="Name">Its name in the checkpoint.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Part">The part of the model it belongs to.</param>
/// <param name="Required">Whether the model cannot be built without it; false for copies of tied weights, and for tower weights that are ignored.</param>
public sealed record ExpectedTensor(string Name, long[] Shape, ModelPart Part, bool Required = true);
