using LlavaSharp.Models;
using LlavaSharp.Quantization;
using LlavaSharp.Tests.Checkpoints;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Quantization;

public sealed class QuantizationQualityTests : IDisposable
{
    private const string Slot = "model.layers.1.mlp.up_proj";

    private static readonly string _source = TestFiles.Golden("gguf", "text-q8_0.gguf");
    private static readonly int[] _ids = [1, 5, 77, 200, 31, 8, 90, 260, 12, 5];

    private readonly TemporaryFolder _folder = new();
    private readonly string _packed;

    public QuantizationQualityTests()
    {
        _packed = _folder.At("packed");
        CheckpointQuantizer.Quantize(_source, null, _packed, null, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Measure_PackedModel_AgreesWithSumsOverItsProbabilities()
    {
        var (wanted, inputs, wantedLayer) = Compute(_source);
        var (found, _, foundLayer) = Compute(_packed);

        // labels of -100 count neither for likelihood nor for divergence
        long[] labels = [.. _ids.Select((id, i) => i is 3 or 7 ? -100L : id)];
        var report = await Measure(_packed, new(), new(_ids, labels, []));

        int[] positions = [.. Enumerable.Range(0, _ids.Length - 1).Where(i => labels[i + 1] >= 0)];
        Assert.Equal(positions.Length, report.Positions);
        Assert.Equal(Math.Exp(-positions.Average(i => Math.Log(wanted[i][_ids[i + 1]]))), report.ReferencePerplexity, 1e-4 * report.ReferencePerplexity);
        Assert.Equal(Math.Exp(-positions.Average(i => Math.Log(found[i][_ids[i + 1]]))), report.Perplexity, 1e-4 * report.Perplexity);
        var divergence = positions.Average(i => wanted[i].Zip(found[i], (p, q) => p * Math.Log(p / q)).Sum());
        Assert.InRange(divergence, 1e-5, 1);
        Assert.Equal(divergence, report.Divergence, 1e-3 * divergence);
        Assert.Equal(positions.Average(i => ArgMax(wanted[i]) == ArgMax(found[i]) ? 1.0 : 0), report.SameToken, 1e-9);
        var (y, z) = (wantedLayer(inputs), foundLayer(inputs));
        var error = Math.Sqrt(y.Zip(z, (a, b) => Math.Pow(a - b, 2)).Sum() / y.Sum(a => (double)a * a));
        Assert.InRange(error, 0.01, 0.2);
        Assert.Equal(error, Assert.Single(report.Layers, layer => layer.Path == Slot).Relative, 1e-4);
        Assert.Equal("lm_head", report.Layers[^1].Path);
        Assert.Equal(report.Layers.Max(layer => layer.Relative), report.Worst.Relative);
    }

    [Fact]
    public async Task Measure_TheModelItself_FindsNoDifference()
    {
        var report = await Measure(_source, new() { DataType = "float32" }, new(_ids, Array.ConvertAll(_ids, id => (long)id), []));
        Assert.Equal((0, 1, 0), (report.Divergence, report.SameToken, report.PerplexityIncrease));
        Assert.All(report.Layers, layer => Assert.Equal(0, layer.Relative));
    }

    [Fact]
    public async Task Measure_AnotherModel_SaysSo()
    {
        var error = await Assert.ThrowsAsync<LlavaException>(() => Measure(EmbeddedModel.Find(), new(), new(_ids, Array.ConvertAll(_ids, id => (long)id), [])));
        Assert.Contains("one was not made from the other", error.Message);
    }

    [Fact]
    public async Task Measure_NothingCounts_SaysSo()
    {
        var error = await Assert.ThrowsAsync<LlavaException>(() => Measure(_packed, new(), new(_ids, Array.ConvertAll(_ids, _ => -100L), [])));
        Assert.Contains("token to predict", error.Message);
    }

    public void Dispose() => _folder.Dispose();

    private static Task<QuantizationReport> Measure(string quantized, LoadOptions options, QuantizationSample sample) =>
        QuantizationQuality.MeasureAsync(_source, new(), quantized, options, _ => [sample], TestContext.Current.CancellationToken);

    // the probabilities at each position, what a layer read, and the layer
    private static (double[][] Probabilities, float[] Inputs, Func<float[], float[]> Layer) Compute(string path)
    {
        var recorder = new Recorder();
        // stays open for the layer
        var model = LlavaModel.Load(path, options: new() { DataType = "float32", WrapLinear = recorder.Wrap });
        var probabilities = model.OnModelThread(() =>
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            var language = model.Checkpoint.Network.Language;
            var hidden = language.Forward(language.Embed(tensor(Array.ConvertAll(_ids, id => (long)id), [1, _ids.Length])), arange(_ids.Length).unsqueeze(0));
            return Enumerable.Range(0, _ids.Length).Select(i => Softmax(language.Logits(hidden[0, i]).data<float>().ToArray())).ToArray();
        });
        return (probabilities, recorder.Inputs!, x => model.OnModelThread(() =>
        {
            using var scope = NewDisposeScope();
            return recorder.Layer!.Forward(tensor(x, [_ids.Length, x.Length / _ids.Length])).contiguous().data<float>().ToArray();
        }));
    }

    private static double[] Softmax(float[] logits)
    {
        var most = logits.Max();
        var sum = logits.Sum(value => Math.Exp(value - most));
        return [.. logits.Select(value => Math.Exp(value - most) / sum)];
    }

    private static int ArgMax(double[] values) => Array.IndexOf(values, values.Max());

    private sealed class Recorder
    {
        public float[]? Inputs { get; private set; }

        public Linear? Layer { get; private set; }

        public Linear Wrap(string path, Linear layer)
        {
            if (path != Slot)
                return layer;
            Layer = layer;
            return new Recorded(layer, this);
        }

        private sealed class Recorded(Linear inner, Recorder owner) : Linear
        {
            public override Tensor Forward(Tensor x)
            {
                owner.Inputs = x.contiguous().data<float>().ToArray();
                return inner.Forward(x);
            }
        }
    }
}
