using System.CommandLine;
using LlavaSharp.Serving.Upstream;

namespace LlavaSharp.Cli.Commands;

/// <summary>The flags of a worker behind which a server of OpenAI's interface stands.</summary>
internal sealed class UpstreamFlags
{
    private readonly Option<string?> _upstream = new("--upstream") { Description = "Load no model: let a server with OpenAI's interface (vLLM, SGLang, llama.cpp's, llava serve) answer, such as http://127.0.0.1:8000.", HelpName = "URL" };
    private readonly Option<string?> _model = new("--upstream-model") { Description = "The upstream's model. Without it: the first that it lists.", HelpName = "NAME" };
    private readonly Option<string?> _keyFile = new("--upstream-key-file") { Description = "A file whose first line is the upstream's key.", HelpName = "FILE" };
    private readonly Option<double?> _timeout = new("--upstream-timeout") { Description = "So many seconds the upstream may be silent. Without it: 60.", HelpName = "SECONDS" };
    private readonly Option<string?> _template = new("--conv-mode") { Description = "With --upstream: the template by which prompts with pictures are read back into messages. Without it: the one that goes with the model's name.", HelpName = "NAME" };
    private readonly Option<string?> _names = new("--model-names") { Description = "With --upstream: the model's names here, separated by commas. Without it: the upstream's.", HelpName = "NAMES" };

    /// <summary>Adds the flags to a verb.</summary>
    public UpstreamFlags(Command command)
    {
        command.Options.Add(_upstream);
        foreach (var option in Dependent)
            command.Options.Add(option);
    }

    private Option[] Dependent => [_model, _keyFile, _timeout, _template, _names];

    /// <summary>Which server is asked, and how; null: none, a model is loaded.</summary>
    /// <exception cref="UsageException">A flag is given that makes no sense with or without a server.</exception>
    /// <exception cref="LlavaSharp.Serving.ServingException">The key cannot be read.</exception>
    public UpstreamOptions? Read(ParseResult parsed, ModelFlags model)
    {
        if (parsed.GetValue(_upstream) is not { } address)
            return Dependent.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } lonely
                ? throw new UsageException($"{lonely.Name} says how a server is asked: name the server (--upstream).") : null;
        if (model.GivenInVain(parsed) is { } vain)
            throw new UsageException($"--upstream and {vain} exclude each other: either a server answers, or a model that is loaded here.");
        if (parsed.GetValue(_timeout) is { } seconds && !(seconds is > 0 and <= 86400))
            throw new UsageException($"--upstream-timeout is {seconds}: give more than 0 and at most 86400 seconds.");
        var options = new UpstreamOptions
        {
            Address = address,
            Model = parsed.GetValue(_model),
            Key = parsed.GetValue(_keyFile) is { } file ? UpstreamOptions.ReadKey(file) : null,
            Template = parsed.GetValue(_template),
        };
        return parsed.GetValue(_timeout) is { } patience ? options with { Patience = TimeSpan.FromSeconds(patience) } : options;
    }

    /// <summary>The model's names in the protocol; null: the upstream's.</summary>
    /// <exception cref="UsageException">A name is empty, or there are two flags for it.</exception>
    public IReadOnlyList<string>? Names(ParseResult parsed, string? modelName)
    {
        if (parsed.GetValue(_names) is not { } given)
            return modelName is null ? null : [modelName];
        if (modelName is not null)
            throw new UsageException("--model-name and --model-names exclude each other: give one of them.");
        string[] names = given.Split(',', StringSplitOptions.TrimEntries);
        return names.All(name => name.Length > 0) ? names : throw new UsageException($"--model-names is '{given}': a name in it is empty.");
    }
}
