using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Quantization;

/// <summary>
/// X^T X of what chosen linear layers of a model read, each input brought to length 1: else the few tokens whose activations are hundreds of times larger, such as
/// the first of a window, would be all that counts. Layers that read the same tensor (query, key and value; gate and up) share one.
/// </summary>
internal sealed class InputProducts : IDisposable
{
    private readonly HashSet<string> _watched = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _sharers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor> _products = new(StringComparer.Ordinal);
    private (Tensor Input, string Path)? _last;

    /// <summary>Puts a layer that is watched into a slot.</summary>
    public Linear Watch(string path, Linear layer) => new Watched(path, layer, this);

    /// <summary>Forgets everything and watches other layers.</summary>
    public void Restart(IEnumerable<string> paths)
    {
        Dispose();
        _watched.UnionWith(paths);
    }

    /// <summary>Whether a layer is being watched.</summary>
    public bool Watches(string path) => _watched.Contains(path);

    /// <summary>What a layer read, [K, K]; it stays this object's.</summary>
    /// <exception cref="LlavaException">It was not reached.</exception>
    public Tensor Of(string path) => _products.TryGetValue(_sharers.GetValueOrDefault(path, path), out var sum) ? sum
        : throw new LlavaException($"The calibration text did not reach the layer '{path}'.");

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var sum in _products.Values)
            sum.Dispose();
        _products.Clear();
        _sharers.Clear();
        _watched.Clear();
        _last = null;
    }

    private void See(string path, Tensor x)
    {
        if (!_watched.Contains(path))
            return;
        if (_last is { } last && ReferenceEquals(last.Input, x))
        {
            _sharers[path] = last.Path;
            return;
        }
        _last = (x, path);
        using var scope = NewDisposeScope();
        var rows = x.reshape(-1, x.shape[^1]);                                       // [n, K]
        rows = rows.div(rows.norm(1, true).clamp_min(Scalars.Of(1e-12)));
        if (!_products.TryGetValue(path, out var sum))
            _products[path] = sum = zeros([rows.shape[1], rows.shape[1]], ScalarType.Float32).DetachFromDisposeScope();
        sum.addmm_(rows.t(), rows, 1, 1);                                            // [K, K]
    }

    private sealed class Watched(string path, Linear inner, InputProducts owner) : Linear
    {
        public override Tensor Forward(Tensor x)
        {
            owner.See(path, x);
            return inner.Forward(x);
        }
    }
}
