using LlavaSharp.Checkpoints;
using LlavaSharp.Models;

namespace LlavaSharp.Benchmarking.Tests;

public sealed class BenchShapeTests
{
    [Theory]
    [InlineData("7b", 6_738_415_616, 32)]        // as published: Llama-2-7b, -13b, Mistral-7B, Yi-34B
    [InlineData("13b", 13_015_864_320, 40)]
    [InlineData("mistral-7b", 7_241_732_096, 32)]
    [InlineData("34b", 34_388_917_248, 60)]
    public void Find_PublishedShape_HasItsParameters(string name, long parameters, int layers)
    {
        var shape = BenchShape.Find(name);
        Assert.Equal(parameters, shape.Tensors.Where(tensor => tensor.Part == ModelPart.LanguageModel).Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size)));
        Assert.Equal(layers, shape.Config.NumHiddenLayers);
        Assert.Equal(303_507_456, shape.TowerTensors.Where(tensor => tensor.Required).Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size)));   // CLIP ViT-L/14-336
        Assert.Equal("mlp2x_gelu", shape.Config.MmProjectorType);
    }

    [Fact]
    public void Find_FewerLayers_ChangesNothingElse()
    {
        var shape = BenchShape.Find("7b", 8);
        Assert.Equal((8, 4096, 32000), (shape.Config.NumHiddenLayers, shape.Config.HiddenSize, shape.Config.VocabSize));
        Assert.Equal("7b, 8 layers", shape.ToString());
        Assert.Throws<ArgumentOutOfRangeException>(() => BenchShape.Find("7b", 0));
    }

    [Fact]
    public void Find_UnknownName_ListsTheKnown() =>
        Assert.Contains("mistral-7b", Assert.Throws<UnknownNameException>(() => BenchShape.Find("mistral7b")).Message);

    [Fact]
    public void Tensors_OfEveryShape_AreWhatTheNetworkAsksFor()
    {
        foreach (var name in BenchShape.Names)
        {
            var shape = BenchShape.Find(name, 1);
            var (weights, tower) = (new ShapeRecorder(), new ShapeRecorder());
            _ = new LlavaNetwork(shape.Config, shape.Tower, weights, new WeightScope(tower)["vision_model"]);
            Assert.Equal(weights.Shapes.Keys.Order(), shape.Tensors.Where(tensor => tensor.Required).Select(tensor => tensor.Name).Order());
            Assert.Subset(shape.TowerTensors.Select(tensor => tensor.Name).ToHashSet(), tower.Shapes.Keys.ToHashSet());
        }
    }

    [Fact]
    public void Arithmetic_OfTheSevenBillion_IsTheSumOfItsMatrices()
    {
        var config = BenchShape.Find("7b").Config;
        Assert.Equal(32.0 * (4 * 4096 * 4096 + 3 * 4096 * 11008), ShapeArithmetic.LayerWeights(config));
        Assert.Equal(32000.0 * 4096, ShapeArithmetic.OutputWeights(config));
        Assert.Equal(2.0 * 32 * 4096, ShapeArithmetic.CacheNumbers(config));
        // one token sees itself: a product with its key and one with its value
        Assert.Equal(2 * (ShapeArithmetic.LayerWeights(config) + ShapeArithmetic.OutputWeights(config)) + 32 * 4.0 * 4096, ShapeArithmetic.Prefill(config, 1));
        // 23 layers of 577 tokens, as the literature has it: some 350 billion
        Assert.InRange(ShapeArithmetic.Image(BenchShape.Find("7b")), 3.4e11, 4.0e11);
    }
}
