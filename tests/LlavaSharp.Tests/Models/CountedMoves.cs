using static TorchSharp.torch;

namespace LlavaSharp.Tests.Models;

/// <summary>Brings hidden states to devices, and counts how often.</summary>
internal sealed class CountedMoves
{
    public int Count { get; private set; }

    public Tensor Move(Tensor x, Device device)
    {
        Count++;
        // the memory is another one, as on another device
        return x.to(device, copy: true);
    }
}
