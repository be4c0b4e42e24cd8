using LlavaSharp.Checkpoints;
using static TorchSharp.torch;

namespace LlavaSharp.Training.Tests;

/// <summary>A line fitted to points: the smallest thing that a trainer can train.</summary>
internal sealed class ToyTask : ITrainingTask<float[]>, IDisposable
{
    private readonly TrainableWeights _weights = new(new Initializer());
    private readonly long? _count;
    private readonly Func<long, float> _x;

    public ToyTask(long? count = 32, Func<long, float>? x = null)
    {
        (_count, _x) = (count, x ?? (index => index % 7 - 3));
        _weights.Get("slope.weight", 1);
        _weights.Get("offset.bias", 1);
        _weights.Train(_ => true);
        Groups = ParameterGroup.Create(_weights.Trained, 0.05, 0.01);
    }

    public IReadOnlyList<ParameterGroup> Groups { get; }

    public long? SampleCount => _count;

    public List<string> Saved { get; } = [];

    public Action? OnLoss { get; set; }

    public float[] Values => [.. _weights.Tensors.Select(t => t.Value.detach().item<float>())];

    public int EstimateLength(long index) => 1;

    public float[] Prepare(IReadOnlyList<long> indices, CancellationToken cancellationToken) => [.. indices.Select(index => _x(index))];

    public (Tensor Loss, bool Counts) Loss(float[] batch)
    {
        using var scope = NewDisposeScope();
        OnLoss?.Invoke();
        var x = tensor(batch);
        var difference = _weights.Get("slope.weight", 1) * x + _weights.Get("offset.bias", 1) - (2 * x + 1);
        return (difference.square().mean().MoveToOuterDisposeScope(), true);
    }

    public void SaveCheckpoint(string folder) => TensorWriter.Write(Path.Combine(folder, "toy.safetensors"), _weights.Tensors, StoredDataType.Float32);

    public void LoadCheckpoint(string folder)
    {
        using var file = SafetensorsFile.Open(Path.Combine(folder, "toy.safetensors"));
        Assert.Equal(2, _weights.Overwrite(file.Tensors).Count);
    }

    public void SaveFinal(string folder) => Saved.Add(folder);

    public void Dispose() => _weights.Dispose();

    private sealed class Initializer() : TensorInitializer(5)
    {
        public override Tensor? Create(string name, long[] shape, long inputs) => Normal(name, shape, 1);
    }
}
