using System.Globalization;
using System.Text.RegularExpressions;

namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>The names of a LLaMA's tensors in a GGUF file, and in a Hugging Face folder.</summary>
internal static partial class GgufNames
{
    private static readonly (string File, string Usual)[] _parts =
    [
        ("attn_norm", "input_layernorm"),
        ("ffn_norm", "post_attention_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.o_proj"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ];

    private static readonly (string File, string Usual)[] _outside =
    [
        ("token_embd.weight", "model.embed_tokens.weight"),
        ("output_norm.weight", "model.norm.weight"),
        ("output.weight", "lm_head.weight"),
    ];

    /// <summary>A tensor's name in a Hugging Face folder; a name that is not known stays, and is reported as unexpected.</summary>
    public static string Usual(string name)
    {
        if (FileName().Match(name) is { Success: true } match && _parts.FirstOrDefault(part => part.File == match.Groups[2].Value) is { Usual: { } usual })
            return string.Create(CultureInfo.InvariantCulture, $"model.layers.{match.Groups[1].ValueSpan}.{usual}.{match.Groups[3].ValueSpan}");
        return _outside.FirstOrDefault(pair => pair.File == name).Usual ?? name;
    }

    /// <summary>A tensor's name in a GGUF file; null for a name that has none there.</summary>
    public static string? InFile(string name)
    {
        if (UsualName().Match(name) is { Success: true } match && _parts.FirstOrDefault(part => part.Usual == match.Groups[2].Value) is { File: { } file })
            return string.Create(CultureInfo.InvariantCulture, $"blk.{match.Groups[1].ValueSpan}.{file}.{match.Groups[3].ValueSpan}");
        return _outside.FirstOrDefault(pair => pair.Usual == name).File;
    }

    [GeneratedRegex(@"^blk\.(\d+)\.([a-z_]+)\.(weight|bias)$")]
    private static partial Regex FileName();

    [GeneratedRegex(@"^model\.layers\.(\d+)\.([a-z_.]+)\.(weight|bias)$")]
    private static partial Regex UsualName();
}
