using LlavaSharp.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>The rows of a pass that one adapter answers.</summary>
/// <param name="adapter">The adapter, by its place among those of the model.</param>
/// <param name="rows">The rows, rising; null: all of them.</param>
internal sealed class AdapterRows(int adapter, long[]? rows) : IDisposable
{
    private readonly Dictionary<(DeviceType Type, int Index), Tensor> _indices = [];   // on each device

    /// <summary>The adapter, by its place among those of the model.</summary>
    public int Adapter => adapter;

    // neighbours need no list: a view of them does
    private bool IsRun => rows is not null && rows[^1] - rows[0] == rows.Length - 1;

    /// <summary>Adds what the adapter computes from its rows of x to its rows of y.</summary>
    /// <param name="weight">What it adds.</param>
    /// <param name="x">[n, inputs].</param>
    /// <param name="y">[n, outputs], changed in place.</param>
    public void Add(LowRank weight, Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        if (rows is null)
            y.AddInPlace(weight.Forward(x));
        else if (IsRun)
            y.narrow(0, rows[0], rows.Length).AddInPlace(weight.Forward(x.narrow(0, rows[0], rows.Length)));
        else
            y.index_add_(0, Index(x.device), weight.Forward(x.index_select(0, Index(x.device))), Scalars.Of(1));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var index in _indices.Values)
            index.Dispose();
        _indices.Clear();
    }

    private Tensor Index(Device device)
    {
        if (!_indices.TryGetValue((device.type, device.index), out var made))
            _indices[(device.type, device.index)] = made = tensor(rows!, device: device).DetachFromDisposeScope();   // [rows]
        return made;
    }
}
