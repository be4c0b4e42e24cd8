using LlavaSharp.Benchmarking.Peer;
using LlavaSharp.Benchmarking.Subjects;
using LlavaSharp.Checkpoints.Formula;
using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Benchmarking.Tests;

public sealed class NetworkSubjectTests
{
    private static readonly BenchShape _shape = BenchShape.Find("tiny");
    private static readonly int[] _ids = [.. Enumerable.Range(0, 40).Select(i => 259 + i * 7 % 250)];

    [Fact]
    public void Decode_SequencesTogether_ChooseWhatEachWouldAlone()
    {
        using var subject = Loaded();
        subject.Decode(_ids, [300, 301, 302], 12);
        var together = subject.LastTokens;
        subject.Decode(_ids, [300, 301, 302], 12);   // from the same context again
        Assert.Equal(together, subject.LastTokens);
        for (var i = 0; i < 3; i++)
        {
            subject.Decode(_ids, [300 + i], 12);
            Assert.Equal(together.Select(step => step[i]), subject.LastTokens.Select(step => step[0]));
        }
        Assert.True(together.SelectMany(step => step).Distinct().Count() > 5);
        subject.Decode(_ids[..30], [300], 12);   // another context
        Assert.NotEqual(together.Select(step => step[0]), subject.LastTokens.Select(step => step[0]));
    }

    [Fact]
    public void Decode_ContextInPieces_ChoosesTheSameTokens()
    {
        using var subject = Loaded();
        subject.Decode(_ids, [300], 3);
        var whole = subject.LastTokens.Select(step => step[0]).ToArray();
        // what was chosen, given as context
        subject.Decode([.. _ids, 300, whole[0]], [whole[1]], 1);
        Assert.Equal(whole[2], subject.LastTokens[0][0]);
    }

    [Fact]
    public void AllMeasurements_OfALoadedModel_TakeTime()
    {
        using var subject = Loaded();
        Assert.All([subject.Prefill(_ids), subject.EncodeImage(), subject.Answer(_ids, 5), subject.Load()], seconds => Assert.True(seconds > 0));
        Assert.Equal(4.0 * (ShapeArithmetic.LayerWeights(_shape.Config) + ShapeArithmetic.OutputWeights(_shape.Config)), subject.StepBytes);
        Assert.Equal(4.0 * 2 * 2 * 2 * 16, subject.PositionBytes);   // float32, keys and values, 2 layers, 2 heads of 16
    }

    [Fact]
    public void Prefill_BeforeLoading_IsRefused()
    {
        using var subject = new NetworkSubject(_shape, new SinglePrecisionWeights(), 1);
        Assert.Throws<InvalidOperationException>(() => subject.Prefill(_ids));
    }

    [Fact]
    public void TransformersTower_SameWeights_GivesTheFeaturesOfTheNetwork()
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var network = new SinglePrecisionWeights().Load(_shape);
        using var formula = new FormulaTensors([.. _shape.TowerTensors, .. _shape.Tensors]);
        using var weights = new CheckpointWeights(formula.Tensors, ScalarType.Float32, CPU, checkFinite: false);
        using var tower = new TransformersTower(_shape, weights);
        var pixels = NetworkSubject.Pixels(_shape);
        var expected = network.Network.Encode(pixels).data<float>().ToArray();
        var actual = tower.Forward(pixels).data<float>().ToArray();
        Assert.Equal(16 * 64, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        Assert.True(expected.Max() - expected.Min() > 0.1);
    }

    private static NetworkSubject Loaded()
    {
        var subject = new NetworkSubject(_shape, new SinglePrecisionWeights(), 2);
        subject.Load();
        return subject;
    }
}
