using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Tokenizers;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>Everything that a checkpoint holds, ready to compute; disposing it frees the tensors and closes the files.</summary>
internal sealed class LoadedCheckpoint(IEnumerable<IDisposable> owned) : IDisposable
{
    public required LlavaConfig Config { get; init; }

    public required LlavaNetwork Network { get; init; }

    /// <summary>The adapters that lie beside the network.</summary>
    public required AdapterSet Adapters { get; init; }

    public required Tokenizer Tokenizer { get; init; }

    public required ClipImageProcessor? ImageProcessor { get; init; }

    public required GenerationDefaults Defaults { get; init; }

    public required ScalarType Type { get; init; }

    /// <summary>Where the parts of the network lie.</summary>
    public required DeviceMap Devices { get; init; }

    /// <summary>The device of tower, projector and embeddings.</summary>
    public Device Device => Devices.First;

    public required string Folder { get; init; }

    /// <summary>The chat template of a plain language model, or null; not yet parsed.</summary>
    public string? ChatTemplate { get; init; }

    public void Dispose()
    {
        foreach (var resource in owned)
            resource.Dispose();
    }
}
