namespace LlavaSharp.Checkpoints;

/// <summary>The tensors of a GGUF file that are stored in one way.</summary>
/// <param name="Type">The format's name for it, such as <c>Q4_1</c>.</param>
/// <param name="Tensors">How many tensors.</param>
/// <param name="Parameters">How many numbers they hold.</param>
/// <param name="Bytes">How many bytes they take.</param>
public sealed record GgufTypeCount(string Type, int Tensors, long Parameters, long Bytes);
