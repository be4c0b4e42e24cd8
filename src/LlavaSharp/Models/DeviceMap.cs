using TorchSharp;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>The devices that a network lies on, which of its layers lie where, and the way of hidden states from one to the next.</summary>
/// <remarks>Devices are told apart by their place in the list: the same one may be named twice.</remarks>
internal sealed class DeviceMap
{
    private readonly Device[] _devices;
    private readonly int[] _layers;
    private readonly Func<Tensor, Device, Tensor> _move;

    /// <summary>Everything on one device.</summary>
    public DeviceMap(Device device)
        : this([device], [])
    {
    }

    /// <summary>Layers on several devices.</summary>
    /// <param name="devices">The devices, the one of the embeddings first.</param>
    /// <param name="layers">The device of each layer, by its place among them; layers that are not named lie on the first.</param>
    /// <param name="move">Brings hidden states to a device, called once for each boundary that they pass; null: libtorch copies them.</param>
    public DeviceMap(IEnumerable<Device> devices, IEnumerable<int> layers, Func<Tensor, Device, Tensor>? move = null)
    {
        (_devices, _layers) = ([.. devices], [.. layers]);
        _move = move ?? ((x, device) => x.to(device));
    }

    /// <summary>The devices.</summary>
    public IReadOnlyList<Device> Devices => _devices;

    /// <summary>The device of embeddings, projector and vision tower.</summary>
    public Device First => _devices[0];

    /// <summary>The place of the last layer, of the norm behind it and of the projection to logits.</summary>
    public int Last => _layers.Length == 0 ? 0 : _layers[^1];

    /// <summary>The place of a layer.</summary>
    public int Place(int layer) => layer < _layers.Length ? _layers[layer] : 0;

    /// <summary>The device of a tensor or a slot, by its name.</summary>
    public Device Of(string name)
    {
        var position = LayerPosition.Of(name);
        return _devices[position.Layer is { } layer ? Place(layer) : position.IsEnd ? Last : 0];
    }

    /// <summary>Sends embeddings through layers.</summary>
    /// <param name="x">[B, T, C], on the first device.</param>
    /// <param name="layers">How many layers there are.</param>
    /// <param name="at">What computes a layer (of the given index) once hidden states have come to a device; asked once for each device.</param>
    /// <returns>[B, T, C], on the device of the last layer.</returns>
    public Tensor Through(Tensor x, int layers, Func<Device, Func<Tensor, int, Tensor>> at)
    {
        var place = 0;
        Func<Tensor, int, Tensor>? compute = null;
        for (var i = 0; i < layers; i++)
        {
            if (Place(i) != place)
            {
                place = Place(i);
                x = _move(x, _devices[place]);                              // [B, T, C]
                compute = null;
            }
            compute ??= at(x.device);
            x = compute(x, i);                                              // [B, T, C]
        }
        return x;
    }

    /// <summary>Brings the hidden states behind the last layer back to the embeddings, which serve as projection to logits where both are tied.</summary>
    public Tensor ToFirst(Tensor hidden) => Last == 0 ? hidden : _move(hidden, First);

    /// <summary>The names of the devices, such as "cuda:0,cuda:1".</summary>
    public override string ToString() => string.Join(",", _devices.Select(device => device.ToString()));
}
