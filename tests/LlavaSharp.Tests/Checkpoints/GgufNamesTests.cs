using LlavaSharp.Checkpoints.Gguf;

namespace LlavaSharp.Tests.Checkpoints;

public sealed class GgufNamesTests
{
    [Theory]
    [InlineData("blk.11.attn_q.weight", "model.layers.11.self_attn.q_proj.weight")]
    [InlineData("blk.3.attn_k.bias", "model.layers.3.self_attn.k_proj.bias")]
    [InlineData("blk.0.ffn_norm.weight", "model.layers.0.post_attention_layernorm.weight")]
    [InlineData("token_embd.weight", "model.embed_tokens.weight")]
    [InlineData("output.weight", "lm_head.weight")]
    public void UsualAndInFile_KnownName_AreEachOthersInverse(string file, string usual) =>
        Assert.Equal((usual, file), (GgufNames.Usual(file), GgufNames.InFile(usual)));

    [Fact]
    public void Usual_UnknownName_Stays() => Assert.Equal("blk.0.attn_sinks", GgufNames.Usual("blk.0.attn_sinks"));

    [Fact]
    public void InFile_UnknownName_IsNull() => Assert.Null(GgufNames.InFile("model.mm_projector.0.weight"));

    [Theory]
    [InlineData(4)]
    [InlineData(128)]
    public void Rows_BothWays_AreEachOthersInverse(int width)
    {
        Assert.All(Enumerable.Range(0, 3 * width), row => Assert.Equal(row, GgufRows.InNetwork(GgufRows.InFile(row, width), width)));
        Assert.Equal([0, 1 + width / 2], [GgufRows.InNetwork(0, width), GgufRows.InNetwork(3, width)]);
    }
}
