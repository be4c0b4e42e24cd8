using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.IO;
using LlavaSharp.Kernels;
using LlavaSharp.Models;
using LlavaSharp.Native;
using LlavaSharp.Tokenizers;
using static TorchSharp.torch;

namespace LlavaSharp.Quantization;

/// <summary>
/// Makes a folder with packed weights of any checkpoint that can be loaded: <c>config.json</c> (with <c>quantization_config</c>), safetensors whose packed
/// matrices keep their names, the tokenizer's files, and the vision tower in a folder of its own inside. The folder is loaded like any other checkpoint and used where it lies, mapped.
/// </summary>
/// <remarks>
/// What is packed: linear layers of the language model in <see cref="QuantizeOptions.Bits"/>; the output matrix, the projector and the tower's linear layers in 8 bits.
/// With 4 bits, two more kinds get 8 where they count most and weigh little: the matrices of keys and values where several heads of queries share them, and the
/// matrix that ends an MLP in models narrower than 2048.
/// Embeddings become float16; norms, biases and the tower's convolution stay in their 16-bit type, or float32.
/// </remarks>
public static class CheckpointQuantizer
{
    /// <summary>Which matrices get which bits and how they are rounded; it changes when one of these does, so that what was made before is not used again.</summary>
    internal const int Rules = 2;

    // measured on a model of width 576: 8 bits for keys and values lower the KL divergence by 38 % for 2 % of the memory, for the MLP's last matrix by 57 % more for 9 %
    private const int NarrowModel = 2048;

    /// <summary>What <c>quant_method</c> in <c>quantization_config</c> says.</summary>
    public const string Method = "llavasharp";

    private static readonly string[] _copied =
        ["generation_config.json", "tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "preprocessor_config.json"];

    /// <summary>Quantises a checkpoint.</summary>
    /// <param name="folder">The checkpoint: a folder or a GGUF file.</param>
    /// <param name="baseFolder">The language model that an adapter or a projector belongs to; null when the checkpoint is whole.</param>
    /// <param name="target">The folder to make; it must not exist, or be empty.</param>
    /// <param name="options">How; null: 4 bits.</param>
    /// <param name="cancellation">Gives up; nothing is left.</param>
    /// <exception cref="LlavaException">The checkpoint cannot be read, is packed already, or the target cannot be written.</exception>
    public static void Quantize(string folder, string? baseFolder, string target, QuantizeOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new();
        options.Check();
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
            throw new LlavaException($"'{target}' exists and is not empty. Name another folder, or remove it.");
        target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        var temporary = $"{target}.{Guid.NewGuid():N}.tmp";
        var owned = new List<IDisposable>();
        try
        {
            var load = new LoadOptions { Device = "cpu", DataType = "float32", Offline = options.Offline };
            var opened = CheckpointLoader.Open(folder, baseFolder, load, owned);
            if (opened.Weights.IsPacked)
                throw new CheckpointException($"'{folder}' is packed already. Quantise the checkpoint that it was made from.", folder);
            Directory.CreateDirectory(temporary);
            using var noGradient = no_grad();
            // the Hugging Face layout stays what it is; its tensors get the original's names, which it does not mind
            var json = opened.Config.IsHuggingFace ? ConfigFile.Read(Path.Combine(folder, "config.json")) : opened.Config.Json;
            WriteModel(opened.Config, opened.Vision, opened.Weights, opened.TowerScope, opened.TowerFolder, json, temporary, options, cancellation,
                options.Calibrate ? layers => new(folder, load with { ModelBase = baseFolder }, options.CalibrationFile, layers) : null);
            CopyFiles(opened, Directory.Exists(folder) ? folder : null, temporary);
            if (Directory.Exists(target))
                Directory.Delete(target);
            Directory.Move(temporary, target);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LlavaException($"'{target}' cannot be written: {exception.Message}", exception);
        }
        finally
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
            foreach (var resource in owned)
                resource.Dispose();
        }
    }

    /// <summary>Writes the weights and <c>config.json</c> of a model into a folder that exists.</summary>
    /// <param name="config">Its config.</param>
    /// <param name="vision">Its tower's config.</param>
    /// <param name="weights">Its tensors.</param>
    /// <param name="towerScope">Where the tower's "embeddings" and "encoder" lie, in <paramref name="weights"/> or outside.</param>
    /// <param name="towerFolder">Where the tower's config and processor lie; null: they are not written.</param>
    /// <param name="json">What becomes <c>config.json</c>, with the keys of the quantisation added.</param>
    /// <param name="target">The folder.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <param name="calibrate">From the layers that get 4 bits, and their inputs, to what they read; null: weights are rounded to the nearest.</param>
    internal static void WriteModel(
        LlavaConfig config, ClipVisionConfig? vision, CheckpointWeights weights, WeightScope towerScope, string? towerFolder, JsonObject json, string target,
        QuantizeOptions options, CancellationToken cancellation, Func<IEnumerable<(string Path, int Inputs)>, Calibration>? calibrate = null) =>
        new Run(config, vision, weights, towerScope, towerFolder, json, options, calibrate, cancellation).Write(target);

    private static void CopyFiles(OpenedCheckpoint opened, string? folder, string target)
    {
        if (opened.Parts.Gguf is { } gguf)
        {
            // without its tensors the file still is what the tokenizer and the chat template are read from
            gguf.WriteMetadata(Path.Combine(target, GgufTokenizer.FileName));
            return;
        }
        foreach (var source in new[] { opened.Parts.TokenizerFolder, folder })
            foreach (var name in _copied)
                if (source is not null && File.Exists(Path.Combine(source, name)))
                    File.Copy(Path.Combine(source, name), Path.Combine(target, name), overwrite: true);
    }

    private sealed class Run(
        LlavaConfig config, ClipVisionConfig? vision, CheckpointWeights weights, WeightScope towerScope, string? towerFolder, JsonObject json,
        QuantizeOptions options, Func<IEnumerable<(string Path, int Inputs)>, Calibration>? calibrate, CancellationToken cancellation)
    {
        private const string TowerPart = "vision_model.";

        private Calibration? _calibration;
        private long _done;
        private long _total;

        public void Write(string target)
        {
            var main = new SlotRecorder(weights);
            var outside = towerScope.Source is CheckpointWeights other && other != weights ? other : null;
            var tower = outside is null ? null : new SlotRecorder(outside);
            _ = new LlavaNetwork(config, vision, main, towerScope with { Source = tower ?? main });
            var tensors = Tensors(main, outside is null ? weights : null);
            var towerTensors = tower is null ? [] : Tensors(tower, outside);
            if (config.TieWordEmbeddings)
                tensors.Add(("lm_head.weight", new(main.Slots[EmbeddingName].Shape, true)));
            _total = tensors.Concat(towerTensors).Sum(tensor => TensorShape.ElementCount(tensor.Slot.Shape) ?? 0);
            using var calibration = _calibration = calibrate?.Invoke(tensors.Where(tensor => Bits(tensor.Name, tensor.Slot) == WeightBits.Four).Select(tensor => (PathOf(tensor.Name), (int)tensor.Slot.Shape[1])));
            if (json["text_config"] is JsonObject text)
                text["tie_word_embeddings"] = false;
            json["tie_word_embeddings"] = false;
            json["torch_dtype"] = "float16";
            json["quantization_config"] = new JsonObject
            {
                ["quant_method"] = Method,
                ["version"] = PackedHeader.Version,
                ["bits"] = options.Bits,
                ["group_size"] = PackedLayout.GroupInputs,
                ["tower_bits"] = options.TowerBits,
            };
            if (vision is not null && !config.IsHuggingFace)
                json["mm_vision_tower"] = WriteTower(towerTensors, outside, target);
            SafetensorsWriter.WriteSharded(target, Describe(tensors, weights));
            AtomicFile.WriteJson(Path.Combine(target, "config.json"), json);
        }

        private string EmbeddingName => config.Family == ModelFamily.Mpt ? "transformer.wte.weight" : "model.embed_tokens.weight";

        // what the network asks for, and the parts of a tower that LLaVA does not compute
        private static List<(string Name, SlotRecorder.Slot Slot)> Tensors(SlotRecorder recorder, CheckpointWeights? tower)
        {
            var tensors = recorder.Slots.Select(slot => (slot.Key, slot.Value)).ToList();
            foreach (var (name, shape) in tower?.Named(TowerPart) ?? [])
                if (!recorder.Slots.ContainsKey(name) && !name.EndsWith("position_ids", StringComparison.Ordinal))
                    tensors.Add((name, new(shape, shape.Length == 2)));
            return tensors;
        }

        // a name that no tower beside the folder has, so that this one is found
        private string WriteTower(List<(string Name, SlotRecorder.Slot Slot)> tensors, CheckpointWeights? outside, string target)
        {
            var name = $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(config.MmVisionTower!)).Replace('\\', '_')}-{(options.TowerBits is { } bits ? $"{bits}bit" : "float")}";
            var towerTarget = Path.Combine(target, name);
            Directory.CreateDirectory(towerTarget);
            if (outside is not null)
                SafetensorsWriter.WriteSharded(towerTarget, Describe(tensors, outside));
            foreach (var file in towerFolder is null ? [] : new[] { "config.json", "preprocessor_config.json" })
                File.Copy(Path.Combine(towerFolder!, file), Path.Combine(towerTarget, file));
            return name;
        }

        private IEnumerable<TensorToWrite> Describe(IEnumerable<(string Name, SlotRecorder.Slot Slot)> tensors, CheckpointWeights source) =>
            tensors.Select(tensor => Bits(tensor.Name, tensor.Slot) is { } bits ? Packed(tensor.Name, tensor.Slot.Shape, bits, source) : Dense(tensor.Name, tensor.Slot.Shape, source));

        private WeightBits? Bits(string name, SlotRecorder.Slot slot)
        {
            if (!slot.IsLinear)
                return null;
            if (name.Contains(TowerPart, StringComparison.Ordinal))
                return options.TowerBits is null ? null : WeightBits.Eight;
            return name == "lm_head.weight" || name.Contains("mm_projector", StringComparison.Ordinal) || IsDelicate(name) ? WeightBits.Eight : (WeightBits)options.Bits;
        }

        private bool IsDelicate(string name) =>
            (config.NumKeyValueHeads < config.NumAttentionHeads && (name.EndsWith(".k_proj.weight", StringComparison.Ordinal) || name.EndsWith(".v_proj.weight", StringComparison.Ordinal)))
            || (config.HiddenSize < NarrowModel && name.EndsWith(".down_proj.weight", StringComparison.Ordinal));

        private static string PathOf(string name) => name[..^".weight".Length];

        private unsafe TensorToWrite Packed(string name, long[] shape, WeightBits bits, CheckpointWeights stored)
        {
            var (rows, inputs) = (checked((int)shape[0]), checked((int)shape[1]));
            var bytes = new PackedLayout(rows, inputs, bits).Bytes;
            return new(name, StoredDataType.UInt8, [PackedHeader.Size + bytes], stream =>
            {
                cancellation.ThrowIfCancellationRequested();
                var source = name == "lm_head.weight" && config.TieWordEmbeddings ? EmbeddingName : name;
                using var weight = stored.Fresh(source, shape);                                           // [N, K]
                var values = (float*)TorchAbi.DataPointer(weight);
                using var magnitudes = weight.abs();
                using var most = magnitudes.max();
                var layout = WeightQuantizer.Layout(rows, inputs, bits, most.ToSingle());
                var memory = System.Runtime.InteropServices.NativeMemory.AlignedAlloc((nuint)bytes, 64);
                try
                {
                    if (bits == WeightBits.Four && _calibration is not null)
                        ErrorCompensation.Put(layout, (byte*)memory, weight, _calibration.Products(PathOf(name), cancellation));
                    else
                        WeightQuantizer.Put(layout, (byte*)memory, values, []);
                    Span<byte> header = stackalloc byte[PackedHeader.Size];
                    new PackedHeader(layout, PackedHeader.Sum((byte*)memory, bytes)).Write(header);
                    stream.Write(header);
                    using var packed = new UnmanagedMemoryStream((byte*)memory, bytes);
                    packed.CopyTo(stream, 1 << 20);
                }
                finally
                {
                    System.Runtime.InteropServices.NativeMemory.AlignedFree(memory);
                }
                Report(shape);
            });
        }

        private unsafe TensorToWrite Dense(string name, long[] shape, CheckpointWeights stored)
        {
            var type = shape.Length > 1 || stored.StoredType(name) is StoredDataType.Float16 or StoredDataType.BFloat16 ? StoredDataType.Float16 : StoredDataType.Float32;
            if (stored.StoredType(name) == StoredDataType.BFloat16)
                type = StoredDataType.BFloat16;   // numbers beyond the range of float16 stay what they are
            return new(name, type, shape, stream =>
            {
                cancellation.ThrowIfCancellationRequested();
                using var fresh = stored.Fresh(name, shape);
                using var value = fresh.to(StoredTensorViews.Type(type));
                using var bytes = new UnmanagedMemoryStream((byte*)TorchAbi.DataPointer(value), value.numel() * value.element_size());
                bytes.CopyTo(stream, 1 << 20);
                Report(shape);
            });
        }

        private void Report(long[] shape)
        {
            _done += TensorShape.ElementCount(shape) ?? 0;
            options.Progress?.Report(new(_done, _total));
        }
    }
}
