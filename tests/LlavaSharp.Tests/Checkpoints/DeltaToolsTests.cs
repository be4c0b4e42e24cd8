using LlavaSharp.Checkpoints;

namespace LlavaSharp.Tests.Checkpoints;

public class DeltaToolsTests
{
    private static readonly string Base = TestFiles.Golden("checkpoints", "vicuna-tiny");
    private static readonly string Delta = TestFiles.Golden("checkpoints", "llava-tiny-delta-v0");

    [Fact]
    public void Apply_Golden_GivesTheSameBits()
    {
        using var temporary = new TemporaryFolder();
        DeltaTools.Apply(Base, Delta, temporary.Path, maxShardBytes: 200_000);
        using var result = CheckpointFolder.Open(temporary.Path);
        using var golden = SafetensorsFile.Open(TestFiles.Golden("checkpoints", "golden", "delta-applied.safetensors"));

        Assert.Equal(golden.Tensors.Keys.Order(), result.Tensors.Keys.Order());
        foreach (var (name, expected) in golden.Tensors)
        {
            Assert.Equal(expected.DataType, result.Tensors[name].DataType);
            Assert.Equal(expected.Shape, result.Tensors[name].Shape);
            Assert.True(expected.Bytes.SequenceEqual(result.Tensors[name].Bytes), name);
        }
        Assert.Equal("llava_llama", result.Config.ModelType);
        Assert.True(result.WeightPaths.Count > 1);
    }

    [Fact]
    public void MakeThenApply_GivesTheTunedModelAgainWhereItIsExact()
    {
        using var tuned = new TemporaryFolder();
        using var delta = new TemporaryFolder();
        using var again = new TemporaryFolder();
        File.WriteAllText(tuned.At("config.json"), """{"model_type": "llama", "mm_vision_tower": "t", "mm_hidden_size": 2, "mm_vision_select_layer": -2}""");
        float[] values = [1, 2, 3, 4, 0.5f, -8];
        TensorToWrite[] tensors =
        [
            TensorToWrite.FromSingles("lm_head.weight", [3, 2], values),
            TensorToWrite.FromSingles("model.norm.weight", [2], new float[] { 4, 8 }),
            TensorToWrite.FromSingles("model.mm_projector.bias", [2], new float[] { 7, 9 }),
        ];
        SafetensorsWriter.WriteSharded(tuned.Path, tensors);
        using var @base = new TemporaryFolder();
        File.WriteAllText(@base.At("config.json"), """{"model_type": "llama"}""");
        SafetensorsWriter.WriteSharded(@base.Path, [TensorToWrite.FromSingles("lm_head.weight", [2, 2], new float[] { 1, 1, 1, 1 }), TensorToWrite.FromSingles("model.norm.weight", [2], new float[] { 1, 2 })]);

        DeltaTools.Make(@base.Path, tuned.Path, delta.Path);
        DeltaTools.Apply(@base.Path, delta.Path, again.Path);

        using var difference = CheckpointFolder.Open(delta.Path);
        Assert.Equal([0, 1, 2, 3, 0.5f, -8], difference.Get("lm_head.weight").ToSingles());
        Assert.Equal([3, 6], difference.Get("model.norm.weight").ToSingles());
        Assert.Equal("llava", difference.Config.ModelType);
        using var result = CheckpointFolder.Open(again.Path);
        Assert.Equal(values, result.Get("lm_head.weight").ToSingles());
        Assert.Equal([7, 9], result.Get("model.mm_projector.bias").ToSingles());
    }

    [Fact]
    public void Apply_TensorThatDoesNotFit_IsNamed()
    {
        using var temporary = new TemporaryFolder();
        var error = Assert.Throws<CheckpointException>(() => DeltaTools.Apply(Base, TestFiles.Golden("checkpoints", "llava-v1.5-tiny"), temporary.Path));
        Assert.StartsWith("model.mm_projector.", error.Tensor);
        Assert.Empty(Directory.GetFiles(temporary.Path));
    }

    [Fact]
    public void Apply_TargetIsAnInput_IsRefused() =>
        Assert.Contains("one of the inputs", Assert.Throws<CheckpointException>(() => DeltaTools.Apply(Base, Delta, Delta + "/")).Message);
}
