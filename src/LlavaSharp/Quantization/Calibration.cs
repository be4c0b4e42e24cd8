using static TorchSharp.torch;

namespace LlavaSharp.Quantization;

/// <summary>
/// What the layers of a float model read in a calibration text. Sums of K x K floats are kept for as many layers as the budget allows; for the next ones the
/// text is read again.
/// </summary>
internal sealed class Calibration : IDisposable
{
    private const long DefaultBudget = 4L << 30;
    private const int Window = 512;   // tokens that are read at once at most

    private readonly InputProducts _products = new();
    private readonly List<(string Path, int Inputs)> _layers;
    private readonly long _budget;
    private readonly LlavaModel _model;
    private readonly IReadOnlyList<QuantizationSample> _samples;

    /// <summary>Loads the model in float32.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="options">How it is loaded.</param>
    /// <param name="textFile">The file of the text; null: the library's own.</param>
    /// <param name="layers">The layers that will be asked for, in the order of asking, and their inputs.</param>
    /// <param name="budget">Bytes of sums that are kept at once, unless one layer needs more.</param>
    /// <exception cref="LlavaException">The text cannot be read or is empty.</exception>
    public Calibration(string folder, LoadOptions options, string? textFile, IEnumerable<(string Path, int Inputs)> layers, long budget = DefaultBudget)
    {
        (_layers, _budget) = ([.. layers], budget);
        _model = LlavaModel.Load(folder, options.ModelBase, options: options with { DataType = "float32", WrapLinear = _products.Watch });
        try
        {
            _samples = textFile is null ? QuantizationSample.FromText(_model, OwnText(), Window) : QuantizationSample.FromFile(_model, textFile, Window);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>X^T X of a layer's inputs, [K, K]; valid until the next call.</summary>
    /// <param name="path">The layer.</param>
    /// <param name="cancellation">Stops before the next window.</param>
    public Tensor Products(string path, CancellationToken cancellation)
    {
        if (!_products.Watches(path))
            _model.OnModelThread(() => Read(path, cancellation));
        return _products.Of(path);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _model.Dispose();
        _products.Dispose();
    }

    private static string OwnText()
    {
        using var reader = new StreamReader(typeof(Calibration).Assembly.GetManifestResourceStream("LlavaSharp.Quantization.CalibrationText.txt")!);
        return reader.ReadToEnd();
    }

    private bool Read(string path, CancellationToken cancellation)
    {
        long bytes = 0;
        var first = _layers.FindIndex(layer => layer.Path == path);
        _products.Restart(_layers.Skip(first).TakeWhile((layer, i) => (bytes += sizeof(float) * (long)layer.Inputs * layer.Inputs) <= _budget || i == 0).Select(layer => layer.Path));
        using var noGradient = no_grad();
        foreach (var sample in _samples)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = _model.Merge(sample.Ids, []);
            _ = _model.Checkpoint.Network.Language.Forward(batch.Embeddings, batch.Positions);
        }
        return true;
    }
}
