using LlavaSharp.Checkpoints;
using LlavaSharp.Checkpoints.Formula;

namespace LlavaSharp.Tests.Checkpoints;

public sealed class FormulaTensorsTests
{
    [Theory]
    [InlineData("model.layers.0.self_attn.q_proj.weight", 0u, 0, 0.075f, 0f, new long[] { 300, 256 })]
    [InlineData("model.embed_tokens.weight", 7u, 0, 0.05f, 0f, new long[] { 100, 77 })]
    [InlineData("lm_head.weight", 0u, 3, 0.04f, 0f, new long[] { 100, 77 })]
    [InlineData("vision_model.embeddings.class_embedding", 0u, 0, 0.05f, 0f, new long[] { 1024 })]
    [InlineData("vision_model.encoder.layers.3.mlp.fc1.bias", 0u, 0, 0.02f, 0f, new long[] { 333 })]
    [InlineData("vision_model.pre_layrnorm.weight", 4_294_967_295u, 0, 0.1f, 1f, new long[] { 1024 })]
    [InlineData("vision_model.post_layernorm.bias", 0u, 0, 0.1f, 0f, new long[] { 1024 })]
    [InlineData("beyond.32.bits", 0u, 4_294_967_200, 0.075f, 0f, new long[] { 20_000_000, 256 })]
    public void Weights_AnyName_FollowTheFormula(string name, uint salt, long first, float scale, float centre, long[] shape)
    {
        var values = new Half[Math.Min(50_001, shape.Aggregate((product, size) => product * size) - first)];
        FormulaNumbers.Weights(name, shape, salt, first, values);
        Assert.Equal(Enumerable.Range(0, values.Length).Select(i => (Half)(centre + scale * 2 * (Number(name, salt, first + i) - 0.5f))), values);
    }

    [Fact]
    public void Uniform_AnyName_FollowsTheFormula()
    {
        var values = new float[100];
        FormulaNumbers.Uniform("pixel_values", 5, 10, values);
        Assert.Equal(Enumerable.Range(10, 100).Select(i => Number("pixel_values", 5, i)), values);
    }

    [Fact]
    public unsafe void Tensors_AfterReleaseAndInPieces_AreTheSame()
    {
        ExpectedTensor large = new("a.weight", [1025, 1024], ModelPart.LanguageModel), optional = new("b.weight", [3], ModelPart.LanguageModel, Required: false);
        using var formula = new FormulaTensors([large, optional]);
        Assert.Equal(["a.weight"], formula.Tensors.Keys);
        var tensor = formula.Tensors["a.weight"];
        var before = tensor.ToSingles();
        formula.Release("a.weight");
        Assert.Equal(before, tensor.ToSingles());
        var values = new Half[1024];
        FormulaNumbers.Weights("a.weight", large.Shape, 0, 1024 * 1024, values);
        Assert.Equal(values.Select(value => (float)value), before[^1024..]);
        formula.Dispose();
        Assert.Throws<ObjectDisposedException>(() => (nint)tensor.Pointer);
    }

    // golden/full-size/README.md, word for word
    private static float Number(string name, uint salt, long i)
    {
        unchecked
        {
            var crc = uint.MaxValue;
            foreach (var letter in name)
            {
                crc ^= letter;
                for (var bit = 0; bit < 8; bit++)
                    crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
            }
            var seed = ~crc + salt;
            var x = (uint)((ulong)i + seed * 0x9E3779B9ul);
            x ^= x >> 16;
            x *= 0x85EBCA6B;
            x ^= x >> 13;
            x *= 0xC2B2AE35;
            x ^= x >> 16;
            return (x >> 8) / 16777216f;
        }
    }
}
