using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using LlavaSharp.IO;

namespace LlavaSharp.Checkpoints;

/// <summary>
/// Delta checkpoints: a fine-tuned model minus its base, as early LLaVA was published. Both sides are taken as float16, and sums are formed as PyTorch forms
/// them: added in single precision, rounded to the nearest float16 (ties to even).
/// </summary>
public static class DeltaTools
{
    private static readonly string[] OwnTensors = ["model.mm_projector.weight", "model.mm_projector.bias"];
    private static readonly string[] GrownTensors = ["model.embed_tokens.weight", "lm_head.weight"];

    /// <summary>target = base + delta, written as a full checkpoint with the delta's config and tokenizer.</summary>
    /// <param name="baseFolder">The language model that the delta was taken from.</param>
    /// <param name="deltaFolder">The delta.</param>
    /// <param name="targetFolder">The folder to write, which must be another one.</param>
    /// <param name="maxShardBytes">The most bytes of a weight file.</param>
    /// <exception cref="CheckpointException">A folder cannot be read or written, or a tensor does not fit: only embeddings may have grown, only a linear projector may be new.</exception>
    public static void Apply(string baseFolder, string deltaFolder, string targetFolder, long maxShardBytes = SafetensorsWriter.DefaultMaxShardBytes) =>
        Combine(baseFolder, deltaFolder, targetFolder, subtract: false, maxShardBytes);

    /// <summary>delta = tuned - base, written with the tuned model's config (an old <c>model_type</c> <c>llama</c> becomes <c>llava</c>) and tokenizer.</summary>
    /// <param name="baseFolder">The language model that was tuned.</param>
    /// <param name="tunedFolder">The tuned model.</param>
    /// <param name="deltaFolder">The folder to write, which must be another one.</param>
    /// <param name="maxShardBytes">The most bytes of a weight file.</param>
    /// <exception cref="CheckpointException">As <see cref="Apply"/>.</exception>
    public static void Make(string baseFolder, string tunedFolder, string deltaFolder, long maxShardBytes = SafetensorsWriter.DefaultMaxShardBytes) =>
        Combine(baseFolder, tunedFolder, deltaFolder, subtract: true, maxShardBytes);

    private static void Combine(string baseFolder, string otherFolder, string targetFolder, bool subtract, long maxShardBytes)
    {
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(targetFolder));
        foreach (var input in (ReadOnlySpan<string>)[baseFolder, otherFolder])
            if (Path.TrimEndingDirectorySeparator(Path.GetFullPath(input)) == target)
                throw new CheckpointException($"'{targetFolder}' is one of the inputs: give another folder for the result.", targetFolder);
        using var @base = CheckpointFolder.Open(baseFolder);
        using var other = CheckpointFolder.Open(otherFolder);
        foreach (var input in (ReadOnlySpan<CheckpointFolder>)[@base, other])
            if (input.Config.IsHuggingFace)
                throw new CheckpointException($"'{input.Folder}' has the Hugging Face layout. A delta and its base are in the original's: give such a folder.", input.Folder);
        var tensors = new List<TensorToWrite>();
        foreach (var (name, tensor) in other.Tensors)
            // a tower is no part of the model that the original's tool loads
            if (!name.StartsWith("model.vision_tower.", StringComparison.Ordinal))
                tensors.Add(Combine(name, @base.Tensors.GetValueOrDefault(name), tensor, subtract));
        SafetensorsWriter.WriteSharded(targetFolder, tensors, maxShardBytes);
        CopyOtherFiles(other, targetFolder, subtract);
    }

    private static TensorToWrite Combine(string name, StoredTensor? @base, StoredTensor other, bool subtract)
    {
        Check(other);
        if (@base is null)
        {
            if (!OwnTensors.Contains(name))
                throw new CheckpointException($"Tensor '{name}' of '{other.File}' is not in the base. Only a linear projector ({string.Join(", ", OwnTensors)}) may be new: is this the right base, and a delta?", other.File, name);
        }
        else
        {
            Check(@base);
            if (!@base.Shape.AsSpan().SequenceEqual(other.Shape)
                && !(GrownTensors.Contains(name) && other.Shape.Length == 2 && @base.Shape.Length == 2 && @base.Shape[0] <= other.Shape[0] && @base.Shape[1] <= other.Shape[1]))
                throw new CheckpointException(
                    $"Tensor '{name}' is {TensorShape.Describe(@base.Shape)} in the base and {TensorShape.Describe(other.Shape)} in '{other.File}'. Only {string.Join(" and ", GrownTensors)} may have grown: is this the right base?", other.File, name);
        }
        return new(name, StoredDataType.Float16, other.Shape, stream => WriteSum(stream, @base, other, subtract));
    }

    private static void Check(StoredTensor tensor)
    {
        if (!tensor.DataType.IsFloatingPoint() || !tensor.IsContiguous)
            throw new CheckpointException($"Tensor '{tensor.Name}' of '{tensor.File}' is no contiguous floating-point tensor.", tensor.File, tensor.Name);
    }

    /// <summary>Row by row, since the base may have fewer rows and columns.</summary>
    private static void WriteSum(Stream stream, StoredTensor? @base, StoredTensor other, bool subtract)
    {
        var columns = other.Shape.Length == 0 ? 1 : other.Shape[^1];
        if (other.ElementCount == 0)
            return;
        var rows = other.ElementCount / columns;
        var baseColumns = @base is null ? 0 : @base.Shape.Length == 0 ? 1 : @base.Shape[^1];
        var baseRows = baseColumns == 0 ? 0 : @base!.ElementCount / baseColumns;
        const int Piece = 1 << 16;
        var left = new Half[Piece];
        var right = new Half[Piece];
        for (long row = 0; row < rows; row++)
            for (long column = 0; column < columns; column += Piece)
            {
                var sum = left.AsSpan(0, (int)Math.Min(Piece, columns - column));
                Read(other, row * columns + column, sum);
                if (row < baseRows && column < baseColumns)
                {
                    var added = right.AsSpan(0, (int)Math.Min(sum.Length, baseColumns - column));
                    Read(@base!, row * baseColumns + column, added);
                    for (var i = 0; i < added.Length; i++)
                        sum[i] = (Half)(subtract ? (float)sum[i] - (float)added[i] : (float)sum[i] + (float)added[i]);
                }
                stream.Write(MemoryMarshal.AsBytes(sum));
            }
    }

    private static unsafe void Read(StoredTensor tensor, long first, Span<Half> values)
    {
        var size = tensor.DataType.Size();
        var at = tensor.Pointer + first * size;
        if (tensor.DataType == StoredDataType.Float16)
            new ReadOnlySpan<byte>(at, 2 * values.Length).CopyTo(MemoryMarshal.AsBytes(values));
        else if (tensor.DataType == StoredDataType.Float64)
            for (var i = 0; i < values.Length; i++)
                values[i] = (Half)MemoryMarshal.Read<double>(new ReadOnlySpan<byte>(at + 8 * i, 8));
        else
            for (var i = 0; i < values.Length; i++)
                values[i] = (Half)StoredTensor.ReadSingle(at + i * size, tensor.DataType);
    }

    private static void CopyOtherFiles(CheckpointFolder source, string targetFolder, bool upgrade)
    {
        foreach (var name in (ReadOnlySpan<string>)["generation_config.json", "tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"])
            if (File.Exists(Path.Combine(source.Folder, name)))
                File.Copy(Path.Combine(source.Folder, name), Path.Combine(targetFolder, name), overwrite: true);
        var config = source.ConfigJson;
        config["torch_dtype"] = "float16";
        if (upgrade && source.Config.ModelType == "llama" && source.Config.MmVisionTower is not null)
        {
            config["model_type"] = "llava";
            config["architectures"] = new JsonArray("LlavaLlamaForCausalLM");
        }
        AtomicFile.WriteJson(Path.Combine(targetFolder, "config.json"), config);
    }
}
