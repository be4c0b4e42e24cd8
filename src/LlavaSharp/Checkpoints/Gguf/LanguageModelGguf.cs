namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>Writes language models of the LLaMA family as GGUF files of the architecture <c>llama</c>, as <see cref="GgufCheckpoint"/> and llama.cpp read them.</summary>
internal static class LanguageModelGguf
{
    private const uint QuantizationVersion = 2;   // of the blocks of ggml since May 2023

    /// <summary>Writes one file.</summary>
    /// <param name="path">Its path; written under a temporary name first.</param>
    /// <param name="name">The model's name, for people.</param>
    /// <param name="config">The language model's config; what it says of a vision tower is left out.</param>
    /// <param name="tensors">The checkpoint's tensors by their usual names; those of the language model are written.</param>
    /// <param name="vocabulary">As many pieces as the config says.</param>
    /// <param name="matrices">How the matrices of the layers and the embeddings are stored.</param>
    /// <param name="output">How the output matrix is stored.</param>
    /// <param name="written">Called with a tensor's usual name once it is in the file, to give its memory back; null: nothing to do.</param>
    /// <exception cref="CheckpointException">The model is of another family, has a sliding window, or lacks a tensor; a width is no multiple of the blocks; or the vocabulary has another size.</exception>
    /// <exception cref="LlavaException">The file cannot be written.</exception>
    public static void Write(
        string path, string name, LlavaConfig config, IReadOnlyDictionary<string, StoredTensor> tensors, GgufVocabulary vocabulary,
        GgufType matrices, GgufType output, Action<string>? written = null)
    {
        if (config.Family == ModelFamily.Mpt)
            throw new CheckpointException("A model of the family MPT cannot be written as GGUF; the families LLaMA and Mistral can.", config.File);
        if (config.SlidingWindow is { } window)
            throw new CheckpointException($"A model with a sliding window ({window}) cannot be written as GGUF of the architecture 'llama', which has none.", config.File);
        if (vocabulary.Pieces.Count != config.VocabSize)
            throw new CheckpointException($"The vocabulary has {vocabulary.Pieces.Count} pieces, but the model {config.VocabSize}.", config.File);
        var metadata = new Dictionary<string, object>(StringComparer.Ordinal);
        foreach (var (key, value) in Metadata(name, config, matrices).Concat(vocabulary.Metadata()))
            metadata.Add(key, value);
        GgufWriter.Write(path, metadata, [.. Tensors(config, tensors, matrices, output, written)]);
    }

    private static IEnumerable<KeyValuePair<string, object>> Metadata(string name, LlavaConfig config, GgufType matrices)
    {
        yield return new("general.architecture", "llama");
        yield return new("general.name", name);
        yield return new("general.file_type", FileType(matrices));
        yield return new("general.quantization_version", QuantizationVersion);
        yield return new("llama.vocab_size", (uint)config.VocabSize);
        yield return new("llama.context_length", (uint)config.MaxPositionEmbeddings);
        yield return new("llama.embedding_length", (uint)config.HiddenSize);
        yield return new("llama.feed_forward_length", (uint)config.IntermediateSize);
        yield return new("llama.block_count", (uint)config.NumHiddenLayers);
        yield return new("llama.attention.head_count", (uint)config.NumAttentionHeads);
        yield return new("llama.attention.head_count_kv", (uint)config.NumKeyValueHeads);
        yield return new("llama.attention.key_length", (uint)config.HeadDim);
        yield return new("llama.attention.value_length", (uint)config.HeadDim);
        yield return new("llama.attention.layer_norm_rms_epsilon", (float)config.RmsNormEps);
        yield return new("llama.rope.dimension_count", (uint)config.HeadDim);
        yield return new("llama.rope.freq_base", (float)config.RopeTheta);
        if (config.RopeScaling is not { } scaling)
            yield break;
        if (scaling.Kind != "linear")
            throw new CheckpointException($"A model that scales its positions by '{scaling.Kind}' cannot be written as GGUF; 'linear' can.", config.File);
        yield return new("llama.rope.scaling.type", scaling.Kind);
        yield return new("llama.rope.scaling.factor", (float)scaling.Factor);
    }

    private static IEnumerable<GgufTensorToWrite> Tensors(
        LlavaConfig config, IReadOnlyDictionary<string, StoredTensor> tensors, GgufType matrices, GgufType output, Action<string>? written)
    {
        foreach (var (name, shape, part, required) in ExpectedTensors.For(config))
        {
            if (part != ModelPart.LanguageModel || !required)
                continue;
            if (!tensors.TryGetValue(name, out var stored) || !stored.Shape.AsSpan().SequenceEqual(shape) || !stored.DataType.IsFloatingPoint())
                throw new CheckpointException($"Tensor '{name}' {TensorShape.Describe(shape)} cannot be written as GGUF: the checkpoint {(stored is null ? "lacks it" : $"has {stored}")}.", stored?.File, name);
            var fileName = GgufNames.InFile(name)
                ?? throw new CheckpointException($"Tensor '{name}' has no name in a GGUF file.", stored.File, name);
            var type = shape.Length == 1 ? GgufType.F32 : name == "lm_head.weight" ? output : matrices;
            var heads = name.Contains(".q_proj.", StringComparison.Ordinal) ? config.NumAttentionHeads : name.Contains(".k_proj.", StringComparison.Ordinal) ? config.NumKeyValueHeads : 0;
            yield return new(fileName, type, shape, Rows(stored, heads)) { Written = written is null ? null : () => written(name) };
        }
    }

    private static GgufTensorToWrite.ReadRow Rows(StoredTensor stored, int heads)
    {
        if (heads == 0)
            return stored.ReadRow;
        var width = stored.Shape[0] / heads;
        // a bias is one row of all outputs
        return stored.Shape.Length == 1
            ? (_, values) =>
            {
                var all = stored.ToSingles();
                for (var i = 0; i < values.Length; i++)
                    values[i] = all[GgufRows.InNetwork(i, width)];
            }
            : (row, values) => stored.ReadRow(GgufRows.InNetwork(row, width), values);
    }

    // llama_ftype of llama.cpp
    private static uint FileType(GgufType matrices) => matrices switch
    {
        GgufType.F32 => 0,
        GgufType.F16 => 1,
        GgufType.Q4_0 => 2,
        _ => 7,
    };
}
