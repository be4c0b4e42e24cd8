namespace LlavaSharp.Checkpoints;

/// <summary>A tensor of the wrong shape.</summary>
/// <param name="Expected">What the config asks for.</param>
/// <param name="Found">What the file holds.</param>
public sealed record ShapeMismatch(ExpectedTensor Expected, StoredTensorSummary Found);
