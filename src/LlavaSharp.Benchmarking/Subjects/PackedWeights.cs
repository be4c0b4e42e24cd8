using LlavaSharp.Checkpoints;
using LlavaSharp.Checkpoints.Formula;
using LlavaSharp.Checkpoints.Gguf;
using LlavaSharp.Generation;
using LlavaSharp.Models;
using LlavaSharp.Native;
using LlavaSharp.Quantization;
using static TorchSharp.torch;

namespace LlavaSharp.Benchmarking.Subjects;

/// <summary>Linear layers packed in 4 or 8 bits, as <c>llava quantize</c> writes them: made once in the cache folder, and mapped from there at each load.</summary>
/// <param name="bits">4 or 8.</param>
/// <param name="notice">Told when the file has to be made.</param>
/// <param name="largePages">Whether the language model's matrices are copied into large pages.</param>
internal sealed class PackedWeights(int bits, Action<string>? notice, bool largePages = false) : IBenchWeights
{
    /// <inheritdoc/>
    public string Name => $"{bits}bit";

    /// <inheritdoc/>
    public int Bits => bits;

    /// <inheritdoc/>
    public GgufType PeerMatrices => bits == 4 ? GgufType.Q4_0 : GgufType.Q8_0;

    /// <inheritdoc/>
    public GgufType PeerOutput => GgufType.Q8_0;

    /// <inheritdoc/>
    public BenchNetwork Load(BenchShape shape)
    {
        TorchRuntime.Initialize();
        var folder = Ensure(shape);
        var files = new List<ITensorFile>();
        CheckpointWeights Open(string path, bool inLargePages)
        {
            var file = TensorFile.Open(path);
            files.Add(file);
            return new(file.Tensors, ScalarType.Float32, CPU, checkFinite: true) { InLargePages = inLargePages };
        }
        var weights = Open(Path.Combine(folder, "model.safetensors"), largePages);
        var tower = Open(Directory.EnumerateFiles(folder, "model.safetensors", SearchOption.AllDirectories).Single(path => Path.GetDirectoryName(path) != folder), false);
        var network = new LlavaNetwork(shape.Config, shape.Tower, weights, new WeightScope(tower)["vision_model"]);
        network.Language.CacheFormat = KeyValueFormat.Integer16;
        var packed = files[0].Tensors.Values.Where(PackedHeader.IsPacked).Where(tensor => !tensor.Name.Contains("mm_projector", StringComparison.Ordinal)).Sum(tensor => (double)tensor.ByteLength);
        return new(network, packed, sizeof(short), [weights, tower, .. files]);
    }

    /// <summary>The folder of the packed weights, which are made when they are not there.</summary>
    public string Ensure(BenchShape shape)
    {
        var folder = Path.Combine(CacheFolder.Root, "bench", $"{shape.Name}-{shape.Config.NumHiddenLayers}-{bits}bit-{PackedHeader.Version}");
        if (File.Exists(Path.Combine(folder, "config.json")))
            return folder;
        notice?.Invoke($"Packing formula weights of {shape} in {bits} bits, once: {folder}");
        var temporary = $"{folder}.{Guid.NewGuid():N}.tmp";
        Directory.CreateDirectory(temporary);
        try
        {
            using var noGradient = no_grad();
            using var formula = new FormulaTensors(shape.Tensors);
            using var towerFormula = new FormulaTensors(shape.TowerTensors);
            using var weights = new CheckpointWeights(formula.Tensors, ScalarType.Float32, CPU, checkFinite: false);
            using var tower = new CheckpointWeights(towerFormula.Tensors, ScalarType.Float32, CPU, checkFinite: false);
            CheckpointQuantizer.WriteModel(shape.Config, shape.Tower, weights, new WeightScope(tower)["vision_model"], null, shape.Config.Json, temporary, new() { Bits = bits }, CancellationToken.None);
            Directory.Move(temporary, folder);
        }
        finally
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
        }
        return folder;
    }
}
