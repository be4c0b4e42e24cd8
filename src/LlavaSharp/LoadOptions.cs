using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Quantization;

namespace LlavaSharp;

/// <summary>How a checkpoint is loaded. Everything has a default.</summary>
public sealed record LoadOptions
{
    /// <summary>The language model that an adapter or a projector belongs to (a folder or hub id); null when the checkpoint is whole.</summary>
    public string? ModelBase { get; init; }

    /// <summary>
    /// LoRA adapters that lie beside the model and are not merged: each answers the requests that name it (<see cref="GenerationRequest.Adapter"/>), the others get the
    /// model as it is. They change linear layers of the language model; a projector in <c>non_lora_trainables.bin</c> is theirs, too. Anything else is refused.
    /// </summary>
    public IReadOnlyList<AdapterSource> Adapters { get; init; } = [];

    /// <summary>The name by which the original's rules choose a conversation template; null: the last part of the path.</summary>
    public string? ModelName { get; init; }

    /// <summary>
    /// <c>auto</c>, <c>cpu</c>, <c>cuda</c>, <c>cuda:N</c> or <c>mps</c>; or several GPUs with commas between, such as <c>cuda:0,cuda:1</c>, over which the layers of the
    /// language model are split by free memory (vision tower, projector and embeddings lie on the first one). <c>cpu,cpu</c> splits in the same way and gains nothing.
    /// </summary>
    public string Device { get; init; } = "auto";

    /// <summary>
    /// <c>auto</c>, <c>float32</c>, <c>bfloat16</c> or <c>float16</c>. Auto takes the checkpoint's type on a GPU; on a CPU float32 if twice the
    /// weights fit in 60 % of the free memory, else bfloat16.
    /// </summary>
    public string DataType { get; init; } = "auto";

    /// <summary>The data type of a vision tower that lies outside the checkpoint; null: float32 on a GPU as in the original, the type of computation on a CPU.</summary>
    public string? VisionTowerDataType { get; init; }

    /// <summary>Load linear layers in 4 bits (see <see cref="QuantType"/>); not together with <see cref="LoadIn8Bit"/>.</summary>
    public bool LoadIn4Bit { get; init; }

    /// <summary>Load linear layers in 8 bits (see <see cref="QuantType"/>).</summary>
    public bool LoadIn8Bit { get; init; }

    /// <summary>
    /// The form of 4 and 8 bits: <c>fast</c>, matrices packed for CPUs (quantised once, into the cache folder, and mapped from there), or <c>nf4</c>, the numbers of
    /// bitsandbytes (NF4 with double quantisation, LLM.int8), made anew at each start. Null: fast on a CPU, nf4 on a GPU.
    /// </summary>
    public string? QuantType { get; init; }

    /// <summary>
    /// How keys and values of past positions are kept: <c>dense</c> (as computed), <c>16bit</c> or <c>8bit</c> (integers with a scale a position and head, on CPUs);
    /// <c>auto</c>: 16bit beside packed weights, else dense.
    /// </summary>
    public string KeyValueCache { get; init; } = "auto";

    /// <summary>
    /// Whether the packed matrices of the language model are copied into pages of 2 MB while loading (Linux, where the kernel gives them), from which they are read a
    /// tenth faster at each token. Without it they are used where they lie in the mapped file, which takes no time and no memory of its own.
    /// </summary>
    public bool LargePages { get; init; }

    /// <summary>
    /// Whether the keys and values of the last sequence are kept, so that a prompt that begins like it (the next turn of a conversation) only computes what is
    /// new. They take memory between questions: as much as the longest sequence so far needed. The answer is the same up to rounding: sums of other lengths differ in
    /// their last bits, which packed weights, whose inputs are rounded to 8 bits, can make some hundredths of a logit.
    /// </summary>
    public bool PrefixReuse { get; init; } = true;

    /// <summary>
    /// How many bytes of pictures' features are kept, so that the next question about a picture runs neither vision tower nor projector; 0: none. The default is
    /// 256 MB, which is 28 pictures of LLaVA-1.5-7B in float32; what was not asked for the longest makes room.
    /// </summary>
    public long ImageCacheBytes { get; init; } = 256 << 20;

    /// <summary>
    /// Whether the next tokens are guessed from what the conversation has said already, and several of them checked in one pass (prompt-lookup decoding, Saxena 2023).
    /// Only what the model itself chooses is kept. Null: where it cannot change an answer, which is with packed weights, float32 and a cache of integers;
    /// elsewhere products of several tokens may differ from those of one in their last bits, and so may a choice between two tokens that are nearly equal.
    /// </summary>
    public bool? PromptLookup { get; init; }

    /// <summary>Told how far the quantisation of a checkpoint has come.</summary>
    public IProgress<Quantization.QuantizationProgress>? QuantizationProgress { get; init; }

    /// <summary>The number of threads for computation; null leaves libtorch's own choice (one for each core).</summary>
    public int? Threads { get; init; }

    /// <summary>Never ask a hub: only what lies on this machine.</summary>
    public bool Offline { get; init; }

    /// <summary>Read every weight once and refuse NaN and infinity.</summary>
    public bool CheckFiniteWeights { get; init; } = true;

    /// <summary>How pixel values are rounded.</summary>
    public PixelRounding PixelRounding { get; init; }

    /// <summary>Single values that replace those of <c>config.json</c>; null is a value.</summary>
    public IReadOnlyDictionary<string, JsonNode?> ConfigOverrides { get; init; } = new Dictionary<string, JsonNode?>();

    /// <summary>Which faults of the original are reproduced.</summary>
    public CompatibilityOptions Compatibility { get; init; } = CompatibilityOptions.Mended;

    /// <summary>Tells the time to chat templates that write the date.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Told in one line each what was decided while loading (such as the data type).</summary>
    public Action<string>? Notice { get; init; }

    /// <summary>What sits in the slot of a linear layer, from its path and the layer that was read; null: that layer.</summary>
    internal Func<string, Models.Linear, Models.Linear>? WrapLinear { get; init; }

    /// <summary>Brings hidden states to the next device, in place of libtorch; null: libtorch does.</summary>
    internal Func<TorchSharp.torch.Tensor, TorchSharp.torch.Device, TorchSharp.torch.Tensor>? MoveStates { get; init; }

    /// <summary>Bits a weight, as asked for; null: as stored.</summary>
    /// <exception cref="LlavaException">4 and 8 bits at once.</exception>
    internal int? Bits => (LoadIn4Bit, LoadIn8Bit) switch
    {
        (true, true) => throw new LlavaException("A model is loaded in 4 bits or in 8, not in both: choose one of --load-4bit and --load-8bit."),
        (true, false) => 4,
        (false, true) => 8,
        _ => null,
    };

    /// <summary>What is made of linear layers while they are loaded.</summary>
    /// <exception cref="LlavaException">The packed form is asked for on a GPU.</exception>
    internal QuantizedForm Form(TorchSharp.torch.Device device)
    {
        if (!UsesPackedForm(device) && Bits is { } bits)
            return bits == 4 ? QuantizedForm.NormalFloat4 : QuantizedForm.OutlierInt8;
        return QuantizedForm.None;
    }

    /// <summary>The format of the cache of keys and values.</summary>
    /// <param name="device">Where the model computes.</param>
    /// <param name="packed">Whether its weights are packed.</param>
    /// <exception cref="LlavaException">Integers are asked for on a GPU.</exception>
    internal KeyValueFormat CacheFormat(TorchSharp.torch.Device device, bool packed)
    {
        var cpu = device.type == TorchSharp.DeviceType.CPU;
        return KeyValueCache switch
        {
            "dense" => KeyValueFormat.Dense,
            "auto" => packed && cpu ? KeyValueFormat.Integer16 : KeyValueFormat.Dense,
            _ when !cpu => throw new LlavaException($"The cache of keys and values is kept as integers on CPUs only (--kv-cache {KeyValueCache}); the device is {device}. Use --kv-cache dense."),
            "16bit" => KeyValueFormat.Integer16,
            _ => KeyValueFormat.Integer8,
        };
    }

    /// <summary>Refuses forms that there are not; touches nothing of libtorch.</summary>
    /// <exception cref="LlavaException">Large pages are asked for, and the system has none.</exception>
    /// <exception cref="UnknownNameException">No such form.</exception>
    internal void CheckForms()
    {
        if (KeyValueCache is not ("auto" or "dense" or "16bit" or "8bit"))
            throw new UnknownNameException("form of the cache of keys and values (--kv-cache)", KeyValueCache, ["auto", "dense", "16bit", "8bit"]);
        if (QuantType is not (null or "fast" or "nf4"))
            throw new UnknownNameException("form of quantised weights (--quant-type)", QuantType, ["fast", "nf4"]);
        if (LargePages && Kernels.LargePages.Obstacle is { } obstacle)
            throw new LlavaException($"{obstacle} Leave out --large-pages ({nameof(LargePages)}).");
        if (ImageCacheBytes < 0)
            throw new LlavaException($"{nameof(ImageCacheBytes)} is {ImageCacheBytes}. Give 0 (no features of pictures are kept) or more.");
    }

    /// <summary>Whether 4 or 8 bits mean matrices packed for CPUs.</summary>
    /// <exception cref="LlavaException">The packed form is asked for on a GPU.</exception>
    internal bool UsesPackedForm(TorchSharp.torch.Device device)
    {
        var cpu = device.type == TorchSharp.DeviceType.CPU;
        return (QuantType ?? (cpu ? "fast" : "nf4")) switch
        {
            "nf4" => false,
            "fast" when cpu => Bits is not null,
            "fast" when Bits is null => false,
            _ => throw new LlavaException($"The form 'fast' (--quant-type) is for CPUs; the device is {device}. Use --quant-type nf4, or --device cpu."),
        };
    }

    /// <summary>The hub and its local cache, as the environment says.</summary>
    internal HubOptions Hub()
    {
        var hub = HubOptions.FromEnvironment();
        return hub with { Offline = hub.Offline || Offline };
    }
}
