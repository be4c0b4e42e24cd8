using LlavaSharp.Quantization;
using LlavaSharp.Tests.Checkpoints;

namespace LlavaSharp.Tests.Chat;

/// <summary>The embedded model, dense and packed, and three adapters for it.</summary>
public sealed class AdapterModels : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Lazy<string> _packed;

    public AdapterModels()
    {
        Sources =
        [
            new("attention", TestAdapter.Write(_folder.At("attention"), 1, TestAdapter.Attention, strength: 1)),
            new("all", TestAdapter.Write(_folder.At("all"), 2, TestAdapter.All, rank: 8, projector: true, strength: 0.4)),
            new("ends", TestAdapter.Write(_folder.At("ends"), 3, TestAdapter.Ends, rank: 2, strength: 0.8)),
        ];
        _packed = new(() =>
        {
            CheckpointQuantizer.Quantize(EmbeddedModel.Find(), null, _folder.At("packed"), new() { Bits = 8 });
            return _folder.At("packed");
        });
    }

    public IReadOnlyList<AdapterSource> Sources { get; }

    /// <summary>The model with some of the adapters beside it.</summary>
    public LlavaModel Load(IEnumerable<AdapterSource> adapters, bool packed = false, string device = "cpu", LoadOptions? options = null) =>
        LlavaModel.Load(packed ? _packed.Value : null, options: (options ?? new()) with { Device = device, Offline = true, DataType = "float32", Threads = 1, Adapters = [.. adapters] });

    /// <summary>The model with an adapter merged into its weights.</summary>
    public LlavaModel LoadMerged(AdapterSource adapter) =>
        LlavaModel.Load(adapter.Path, EmbeddedModel.Find(), options: new() { Device = "cpu", Offline = true, DataType = "float32", Threads = 1 });

    public void Dispose() => _folder.Dispose();
}
