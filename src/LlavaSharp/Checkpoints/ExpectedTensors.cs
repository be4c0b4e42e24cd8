namespace LlavaSharp.Checkpoints;

/// <summary>The tensors that a config asks for, with their names in the original's layout.</summary>
public static class ExpectedTensors
{
    /// <summary>What a tower's names begin with inside a LLaVA checkpoint (after <c>model.</c> or <c>transformer.</c>).</summary>
    internal const string TowerScope = "vision_tower.vision_tower.";

    /// <summary>The tensors of a whole checkpoint.</summary>
    /// <param name="config">The checkpoint's config.</param>
    /// <param name="vision">The config of its vision tower, to list the tower's tensors inside the checkpoint; null: leave them out.</param>
    public static IReadOnlyList<ExpectedTensor> For(LlavaConfig config, ClipVisionConfig? vision = null)
    {
        var list = new List<ExpectedTensor>();
        var root = Root(config);
        if (config.Family == ModelFamily.Mpt)
            AddMpt(list, config);
        else
            AddLlama(list, config);
        if (config.MmVisionTower is null)
            return list;
        AddProjector(list, config, root);
        if (config.HasImageNewline)
            list.Add(new(root + "image_newline", [config.HiddenSize], ModelPart.ImageNewline));
        if (vision is not null)
            foreach (var tensor in ForTower(vision))
                list.Add(tensor with { Name = root + TowerScope + tensor.Name, Required = tensor.Required && config.UnfreezeMmVisionTower });
        return list;
    }

    /// <summary>The tensors of a vision tower's own folder (the text half of a CLIP, which may lie beside them, is not listed).</summary>
    public static IReadOnlyList<ExpectedTensor> ForTower(ClipVisionConfig vision)
    {
        const string Root = "vision_model.";
        var list = new List<ExpectedTensor>();
        long width = vision.HiddenSize, inner = vision.IntermediateSize;
        Add(Root + "embeddings.class_embedding", width);
        Add(Root + "embeddings.patch_embedding.weight", width, vision.NumChannels, vision.PatchSize, vision.PatchSize);
        Add(Root + "embeddings.position_embedding.weight", vision.PatchCount + 1, width);
        Pair(Root + "pre_layrnorm", width); // the original's spelling
        for (var i = 0; i < vision.NumHiddenLayers; i++)
        {
            var layer = $"{Root}encoder.layers.{i}.";
            foreach (var name in (ReadOnlySpan<string>)["q_proj", "k_proj", "v_proj", "out_proj"])
                Pair($"{layer}self_attn.{name}", width, width);
            Pair(layer + "layer_norm1", width);
            Pair(layer + "mlp.fc1", inner, width);
            Pair(layer + "mlp.fc2", width, inner);
            Pair(layer + "layer_norm2", width);
        }
        Pair(Root + "post_layernorm", width);
        // a buffer that older versions of the library saved
        list.Add(new(Root + "embeddings.position_ids", [1, vision.PatchCount + 1], ModelPart.VisionTower, Required: false));
        return list;

        void Add(string name, params long[] shape) => list.Add(new(name, shape, ModelPart.VisionTower));

        void Pair(string name, params long[] shape)
        {
            Add(name + ".weight", shape);
            Add(name + ".bias", shape[0]);
        }
    }

    /// <summary>What the names of a family's inner model begin with.</summary>
    internal static string Root(LlavaConfig config) => config.Family == ModelFamily.Mpt ? "transformer." : "model.";

    private static void AddLlama(List<ExpectedTensor> list, LlavaConfig config)
    {
        long width = config.HiddenSize, inner = config.IntermediateSize;
        long queries = (long)config.NumAttentionHeads * config.HeadDim, keys = (long)config.NumKeyValueHeads * config.HeadDim;
        Add("model.embed_tokens.weight", config.VocabSize, width);
        for (var i = 0; i < config.NumHiddenLayers; i++)
        {
            var layer = $"model.layers.{i}.";
            Linear(layer + "self_attn.q_proj", config.AttentionBias, queries, width);
            Linear(layer + "self_attn.k_proj", config.AttentionBias, keys, width);
            Linear(layer + "self_attn.v_proj", config.AttentionBias, keys, width);
            Linear(layer + "self_attn.o_proj", config.AttentionBias, width, queries);
            Linear(layer + "mlp.gate_proj", config.MlpBias, inner, width);
            Linear(layer + "mlp.up_proj", config.MlpBias, inner, width);
            Linear(layer + "mlp.down_proj", config.MlpBias, width, inner);
            Add(layer + "input_layernorm.weight", width);
            Add(layer + "post_attention_layernorm.weight", width);
        }
        Add("model.norm.weight", width);
        list.Add(new("lm_head.weight", [config.VocabSize, width], ModelPart.LanguageModel, Required: !config.TieWordEmbeddings));

        void Add(string name, params long[] shape) => list.Add(new(name, shape, ModelPart.LanguageModel));

        void Linear(string name, bool bias, long outputs, long inputs)
        {
            Add(name + ".weight", outputs, inputs);
            if (bias)
                Add(name + ".bias", outputs);
        }
    }

    private static void AddMpt(List<ExpectedTensor> list, LlavaConfig config)
    {
        long width = config.HiddenSize, inner = config.IntermediateSize;
        Add("transformer.wte.weight", config.VocabSize, width);
        for (var i = 0; i < config.NumHiddenLayers; i++)
        {
            var block = $"transformer.blocks.{i}.";
            Add(block + "norm_1.weight", width);
            Add(block + "attn.Wqkv.weight", 3 * width, width);
            Add(block + "attn.out_proj.weight", width, width);
            Add(block + "norm_2.weight", width);
            Add(block + "ffn.up_proj.weight", inner, width);
            Add(block + "ffn.down_proj.weight", width, inner);
        }
        Add("transformer.norm_f.weight", width);
        list.Add(new("lm_head.weight", [config.VocabSize, width], ModelPart.LanguageModel, Required: !config.TieWordEmbeddings));

        void Add(string name, params long[] shape) => list.Add(new(name, shape, ModelPart.LanguageModel));
    }

    private static void AddProjector(List<ExpectedTensor> list, LlavaConfig config, string root)
    {
        long inputs = config.MmHiddenSize!.Value, outputs = config.HiddenSize;
        for (var i = 0; i < config.MmProjectorDepth; i++)
        {
            // in a chain every second module is an activation without weights
            var name = config.MmProjectorType == "linear" ? "mm_projector" : $"mm_projector.{2 * i}";
            list.Add(new($"{root}{name}.weight", [outputs, i == 0 ? inputs : outputs], ModelPart.Projector));
            list.Add(new($"{root}{name}.bias", [outputs], ModelPart.Projector));
        }
    }
}
