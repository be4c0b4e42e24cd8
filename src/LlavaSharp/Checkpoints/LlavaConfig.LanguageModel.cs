namespace LlavaSharp.Checkpoints;

/// <content>The keys of the language model.</content>
public sealed partial class LlavaConfig
{
    /// <summary>Width of the embeddings: <c>hidden_size</c> (default 4096), for MPT <c>d_model</c> (2048).</summary>
    public int HiddenSize { get; private set; }

    /// <summary>Inner width of the feed-forward part: <c>intermediate_size</c> (default 11008, Mistral 14336); MPT: 4 x width, as the original's library has it whatever <c>expansion_ratio</c> says.</summary>
    public int IntermediateSize { get; private set; }

    /// <summary><c>num_hidden_layers</c> (default 32), for MPT <c>n_layers</c> (24).</summary>
    public int NumHiddenLayers { get; private set; }

    /// <summary><c>num_attention_heads</c> (default 32), for MPT <c>n_heads</c> (16).</summary>
    public int NumAttentionHeads { get; private set; }

    /// <summary><c>num_key_value_heads</c>; absent: as many as heads (Mistral: 8); null: as many as heads.</summary>
    public int NumKeyValueHeads { get; private set; }

    /// <summary><c>head_dim</c>, else width / heads.</summary>
    public int HeadDim { get; private set; }

    /// <summary><c>vocab_size</c> (default 32000, MPT 50368).</summary>
    public int VocabSize { get; private set; }

    /// <summary><c>max_position_embeddings</c> (default 2048, Mistral 131072), for MPT <c>max_seq_len</c> (2048).</summary>
    public int MaxPositionEmbeddings { get; private set; }

    /// <summary><c>max_sequence_length</c> (default 2048): the context length that the original's loader returns.</summary>
    public int MaxSequenceLength { get; private set; }

    /// <summary><c>rms_norm_eps</c> (default 1e-6).</summary>
    public double RmsNormEps { get; private set; }

    /// <summary><c>layer_norm_epsilon</c> of MPT (default 1e-5).</summary>
    public double LayerNormEps { get; private set; }

    /// <summary><c>rope_theta</c>, inside <c>rope_parameters</c> or alone (default 10000).</summary>
    public double RopeTheta { get; private set; }

    /// <summary><c>rope_scaling</c> (or <c>rope_parameters</c>), or null for none.</summary>
    public RopeScaling? RopeScaling { get; private set; }

    /// <summary><c>sliding_window</c>: Mistral's default is 4096; null there means none. Other families have none.</summary>
    public int? SlidingWindow { get; private set; }

    /// <summary><c>tie_word_embeddings</c>: the output matrix is the embedding (default false, MPT true).</summary>
    public bool TieWordEmbeddings { get; private set; }

    /// <summary><c>attention_bias</c>: biases on the four attention matrices (default false).</summary>
    public bool AttentionBias { get; private set; }

    /// <summary><c>mlp_bias</c>: biases on the three feed-forward matrices (default false).</summary>
    public bool MlpBias { get; private set; }

    /// <summary><c>hidden_act</c> (default <c>silu</c>; MPT: <c>gelu</c>).</summary>
    public string HiddenAct { get; private set; } = "silu";

    /// <summary><c>attn_config</c> of MPT.</summary>
    public MptAttentionConfig MptAttention { get; private set; } = new();

    /// <summary><c>no_bias</c> of MPT (default true).</summary>
    public bool NoBias { get; private set; }

    /// <summary><c>bos_token_id</c> (default 1; MPT none).</summary>
    public int? BosTokenId { get; private set; }

    /// <summary><c>eos_token_id</c>, one or several (default 2; MPT none).</summary>
    public IReadOnlyList<int> EosTokenIds { get; private set; } = [];

    /// <summary><c>pad_token_id</c>, or null.</summary>
    public int? PadTokenId { get; private set; }

    /// <summary><c>torch_dtype</c> (or <c>dtype</c>), or null when it is absent or not floating point; informational: the tensors say what they are.</summary>
    public StoredDataType? TorchDataType { get; private set; }

    private void ReadLanguageModel(ConfigReader reader)
    {
        var mpt = Family == ModelFamily.Mpt;
        var mistral = Family == ModelFamily.Mistral;
        HiddenSize = reader.Integer(mpt ? "d_model" : "hidden_size", 1, MaxWidth) ?? (mpt ? 2048 : 4096);
        NumHiddenLayers = reader.Integer(mpt ? "n_layers" : "num_hidden_layers", 1, MaxLayers) ?? (mpt ? 24 : 32);
        NumAttentionHeads = reader.Integer(mpt ? "n_heads" : "num_attention_heads", 1, HiddenSize) ?? (mpt ? 16 : 32);
        VocabSize = reader.Integer("vocab_size", 1, MaxVocabulary) ?? (mpt ? 50368 : 32000);
        MaxPositionEmbeddings = reader.Integer(mpt ? "max_seq_len" : "max_position_embeddings", 1, int.MaxValue) ?? (mistral ? 131072 : 2048);
        MaxSequenceLength = reader.Integer("max_sequence_length", 1, int.MaxValue) ?? 2048;
        TieWordEmbeddings = reader.Flag("tie_word_embeddings") ?? mpt;
        PadTokenId = reader.Integer("pad_token_id", -1, MaxVocabulary);
        BosTokenId = reader.Integer("bos_token_id", -1, MaxVocabulary) ?? (mpt || reader.IsNull("bos_token_id") ? null : 1);
        EosTokenIds = mpt || reader.Has("eos_token_id") ? reader.Integers("eos_token_id") : [2];
        if (reader.Text(reader.Has("torch_dtype") ? "torch_dtype" : "dtype") is { } type)
            TorchDataType = StoredDataTypes.FromTorchName(type.StartsWith("torch.", StringComparison.Ordinal) ? type[6..] : type) is { } known && known.IsFloatingPoint() ? known : null;
        if (mpt)
            ReadMpt(reader);
        else
            ReadLlama(reader, mistral);
    }

    private void ReadLlama(ConfigReader reader, bool mistral)
    {
        IntermediateSize = reader.Integer("intermediate_size", 1, 16 * MaxWidth) ?? (mistral ? 14336 : 11008);
        NumKeyValueHeads = reader.Integer("num_key_value_heads", 1, NumAttentionHeads)
            ?? (mistral && !reader.Has("num_key_value_heads") ? 8 : NumAttentionHeads);
        if (NumKeyValueHeads > NumAttentionHeads || NumAttentionHeads % NumKeyValueHeads != 0)
            throw reader.Wrong("num_key_value_heads", $"a divisor of the {NumAttentionHeads} heads");
        if (reader.Integer("head_dim", 1, MaxWidth) is { } headDim)
            HeadDim = headDim;
        else if (HiddenSize % NumAttentionHeads != 0)
            throw reader.Wrong("num_attention_heads", $"a divisor of hidden_size, {HiddenSize}");
        else
            HeadDim = HiddenSize / NumAttentionHeads;
        if (HeadDim % 2 != 0)
            throw reader.Wrong("num_attention_heads", $"such that heads have an even size for rotary positions, not {HeadDim}");
        RmsNormEps = reader.Number("rms_norm_eps", 0, 1) ?? 1e-6;
        LayerNormEps = 1e-5;
        // files since transformers 5 hold both in one object
        var rope = reader.Object("rope_parameters");
        RopeTheta = rope?.Number("rope_theta", 1e-6, 1e18) ?? reader.Number("rope_theta", 1e-6, 1e18) ?? 10000;
        AttentionBias = reader.Flag("attention_bias") ?? false;
        MlpBias = reader.Flag("mlp_bias") ?? false;
        HiddenAct = reader.Text("hidden_act") ?? "silu";
        if (mistral)
            SlidingWindow = reader.Has("sliding_window") ? reader.Integer("sliding_window", 1, int.MaxValue) : 4096;
        if ((rope ?? reader.Object("rope_scaling")) is { } scaling)
        {
            var key = scaling.Text("rope_type") is null ? "type" : "rope_type";
            var kind = scaling.Text(key) ?? (rope is null ? throw scaling.Lacks("type", "rope_scaling must say how positions are stretched") : "default");
            if (kind is not ("default" or "linear" or "dynamic"))
                throw scaling.Wrong(key, "'default', 'linear' or 'dynamic': positions are stretched in no other way here");
            if (kind != "default")
                RopeScaling = new(kind, scaling.Number("factor", 1, 1e6) ?? throw scaling.Lacks("factor", "rope_scaling must say by how much"));
        }
    }

    private void ReadMpt(ConfigReader reader)
    {
        if (HiddenSize % NumAttentionHeads != 0)
            throw reader.Wrong("n_heads", $"a divisor of d_model, {HiddenSize}");
        reader.Number("expansion_ratio", 0, 1024);
        (HeadDim, NumKeyValueHeads, IntermediateSize) = (HiddenSize / NumAttentionHeads, NumAttentionHeads, 4 * HiddenSize);
        LayerNormEps = reader.Number("layer_norm_epsilon", 0, 1) ?? 1e-5;
        (RmsNormEps, RopeTheta, HiddenAct) = (1e-6, 10000, "gelu");
        NoBias = reader.Flag("no_bias") ?? true;
        if (reader.Object("attn_config") is { } attention)
            MptAttention = new()
            {
                Alibi = attention.Flag("alibi") ?? true,
                AlibiBiasMax = attention.Integer("alibi_bias_max", 1, 1024) ?? 8,
                ClipQkv = attention.Number("clip_qkv", 0, 1e9) is { } clip and > 0 ? clip : null,
                QkLn = attention.Flag("qk_ln") ?? false,
                SoftmaxScale = attention.Number("softmax_scale", -1e9, 1e9),
            };
    }
}
