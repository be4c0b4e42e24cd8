using LlavaSharp.Imaging;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>The encoding of one picture in small steps, between which others can compute: a layer of the vision tower for one tile at a time, then the projector.</summary>
/// <remarks>Runs on the model's thread, under no gradient. Its tensors belong to no dispose scope.</remarks>
internal sealed class PictureEncoding(LlavaNetwork network, PixelValues picture, ScalarType type, Device device, PixelRounding rounding, Projector? projector = null) : IDisposable
{
    private readonly List<Tensor> _tiles = [];   // [1, P, C] each
    private Tensor? _pixels;                     // [tiles, 3, S, S]
    private Tensor? _x;                          // [1, 1 + patches, C] of the tile that is being encoded
    private int _layer;

    /// <summary>Does one step.</summary>
    /// <returns>The features [features, C], of no dispose scope; null when there is more to do.</returns>
    public Tensor? Advance()
    {
        using var scope = NewDisposeScope();
        var tower = network.Tower!;
        _pixels ??= LlavaNetwork.Pixels([picture], type, device, rounding).DetachFromDisposeScope();
        if (_x is null)
        {
            Replace(tower.Embed(_pixels.narrow(0, _tiles.Count, 1)));
            _layer = 0;
            return null;
        }
        if (_layer < tower.Layers)
        {
            Replace(tower.ForwardLayer(_layer++, _x));
            return null;
        }
        _tiles.Add((projector ?? network.Projector!).Forward(tower.Select(_x, type)).DetachFromDisposeScope());
        Replace(null);
        if (_tiles.Count < picture.Tiles)
            return null;
        return network.MergeTiles(cat(_tiles, 0), [picture])[0].clone().DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pixels?.Dispose();
        _x?.Dispose();
        foreach (var tile in _tiles)
            tile.Dispose();
    }

    private void Replace(Tensor? x)
    {
        _x?.Dispose();
        _x = x?.DetachFromDisposeScope();
    }
}
