using System.CommandLine;

namespace LlavaSharp.Cli.Commands;

/// <summary>The flags that say which model is loaded and how, alike for all verbs that load one.</summary>
internal sealed class ModelFlags
{
    private readonly Option<string?> _modelPath = new("--model-path") { Description = "A checkpoint's folder or hub id. Without it: the model that comes with llava.", HelpName = "PATH" };
    private readonly Option<string?> _modelBase = new("--model-base") { Description = "The language model that an adapter or a projector belongs to.", HelpName = "PATH" };
    private readonly Option<string> _device = new("--device") { Description = "auto, cpu, cuda, cuda:N or mps; several GPUs with commas between split the model's layers by free memory (cuda:0,cuda:1).", DefaultValueFactory = _ => "auto", HelpName = "NAME" };
    private readonly Option<int> _gpus = new("--num-gpus") { Description = "Split the model's layers over the first N GPUs of CUDA.", DefaultValueFactory = _ => 1, HelpName = "N" };
    private readonly Option<string> _dataType = new("--dtype") { Description = "auto, float32, bfloat16 or float16.", DefaultValueFactory = _ => "auto", HelpName = "NAME" };
    private readonly Option<int?> _threads = new("--threads") { Description = "How many threads compute. Without it: one for each core.", HelpName = "N" };
    private readonly Option<bool> _offline = new("--offline") { Description = "Never ask a hub: only what lies on this machine." };
    private readonly Option<bool> _quirks = new("--original-quirks") { Description = "Keep the faults of the original LLaVA." };
    private readonly Option<bool> _loadIn8Bit = new("--load-8bit") { Description = "Load linear layers in 8 bits." };
    private readonly Option<bool> _loadIn4Bit = new("--load-4bit") { Description = "Load linear layers in 4 bits." };
    private readonly Option<string?> _quantType = new("--quant-type") { Description = "The form of 4 and 8 bits: fast (packed for CPUs, quantised once into the cache) or nf4 (bitsandbytes' numbers). Without it: fast on a CPU, nf4 on a GPU.", HelpName = "NAME" };

    private readonly Option<bool> _largePages = new("--large-pages") { Description = "Copy packed weights into pages of 2 MB while loading (Linux): starts later, and decodes about a tenth faster." };
    private readonly Option<string> _keyValueCache = new("--kv-cache") { Description = "How keys and values of past tokens are kept: dense, 16bit or 8bit (CPUs), or auto: 16bit beside packed weights.", DefaultValueFactory = _ => "auto", HelpName = "FORM" };
    private readonly Option<string> _promptLookup = new("--prompt-lookup") { Description = "Guess tokens from what was said already and check several at once: on, off, or auto: where it cannot change an answer.", DefaultValueFactory = _ => "auto", HelpName = "WHEN" };

    /// <summary>Adds the flags to a verb.</summary>
    public ModelFlags(Command command)
    {
        foreach (var option in All)
            command.Options.Add(option);
    }

    private Option[] All => [_modelPath, _modelBase, _device, _gpus, _dataType, _threads, _offline, _quirks, _loadIn8Bit, _loadIn4Bit, _quantType, _largePages, _keyValueCache, _promptLookup];

    /// <summary>A flag that was given and means nothing where no model is loaded; null: none was.</summary>
    public string? GivenInVain(ParseResult parsed) => All.FirstOrDefault(option => option != _quirks && parsed.GetResult(option) is { Implicit: false })?.Name;

    public string? ModelPath(ParseResult parsed) => parsed.GetValue(_modelPath);

    public string? ModelBase(ParseResult parsed) => parsed.GetValue(_modelBase);

    public bool Quirks(ParseResult parsed) => parsed.GetValue(_quirks);

    /// <summary>How to load the model; what is decided on the way is told on <paramref name="notices"/>.</summary>
    /// <exception cref="LlavaException">A flag asks for something that is not there.</exception>
    public LoadOptions LoadOptions(ParseResult parsed, TextWriter notices)
    {
        if (parsed.GetValue(_threads) is < 1 and var threads)
            throw new UsageException($"--threads is {threads}: give 1 or more.");
        return new LoadOptions
        {
            ModelBase = ModelBase(parsed),
            Device = Device(parsed),
            DataType = parsed.GetValue(_dataType)!,
            LoadIn4Bit = parsed.GetValue(_loadIn4Bit),
            LoadIn8Bit = parsed.GetValue(_loadIn8Bit),
            QuantType = parsed.GetValue(_quantType),
            LargePages = parsed.GetValue(_largePages),
            KeyValueCache = parsed.GetValue(_keyValueCache)!,
            PromptLookup = parsed.GetValue(_promptLookup) switch
            {
                "auto" => null,
                "on" => true,
                "off" => false,
                var other => throw new UsageException($"--prompt-lookup is '{other}': give auto, on or off."),
            },
            QuantizationProgress = new ProgressLine(notices),
            Threads = parsed.GetValue(_threads),
            Offline = parsed.GetValue(_offline),
            Compatibility = parsed.GetValue(_quirks) ? CompatibilityOptions.Original : CompatibilityOptions.Mended,
            Notice = notices.WriteLine,
        };
    }

    // the original's flag: the first N, where --device leaves it open which
    private string Device(ParseResult parsed)
    {
        var (device, count) = (parsed.GetValue(_device)!, parsed.GetValue(_gpus));
        if (count < 1)
            throw new UsageException($"--num-gpus is {count}: give 1 or more.");
        if (count == 1)
            return device;
        if (device is not ("auto" or "cuda"))
            throw new UsageException($"--num-gpus {count} takes the first {count} GPUs of CUDA, but --device is '{device}': give one of both.");
        return string.Join(",", Enumerable.Range(0, count).Select(i => $"cuda:{i}"));
    }
}
