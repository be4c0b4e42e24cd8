namespace LlavaSharp.Checkpoints;

/// <summary>What an adapter adds to one weight: W += <paramref name="Scale"/> * B A.</summary>
/// <param name="Name">The weight's name, such as <c>model.layers.0.self_attn.q_proj.weight</c>.</param>
/// <param name="A">The inner matrix, [r, in].</param>
/// <param name="B">The outer matrix, [out, r].</param>
/// <param name="Scale">alpha / r, or alpha / sqrt(r) for rank-stabilised adapters.</param>
public sealed record LoraWeight(string Name, StoredTensor A, StoredTensor B, double Scale);
