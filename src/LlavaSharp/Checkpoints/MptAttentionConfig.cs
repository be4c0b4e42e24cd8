namespace LlavaSharp.Checkpoints;

/// <summary>The key <c>attn_config</c> of MPT, with the defaults of the original's library.</summary>
public sealed record MptAttentionConfig
{
    /// <summary>Position by a bias that falls with distance (default true).</summary>
    public bool Alibi { get; init; } = true;

    /// <summary>The exponent of the largest slope (default 8).</summary>
    public int AlibiBiasMax { get; init; } = 8;

    /// <summary>Queries, keys and values are clamped to this magnitude; null: not.</summary>
    public double? ClipQkv { get; init; }

    /// <summary>Layer norms on queries and keys (default false).</summary>
    public bool QkLn { get; init; }

    /// <summary>Factor of the scores; null: 1 / sqrt(head size).</summary>
    public double? SoftmaxScale { get; init; }
}
