using System.CommandLine;

namespace LlavaSharp.Cli.Commands;

/// <summary>The adapters that a served model has beside it.</summary>
internal sealed class AdapterFlags
{
    private readonly Option<string[]> _adapters = new("--lora") { Description = "A LoRA adapter that answers under a name of its own, beside the model; may be given many times.", HelpName = "NAME=PATH" };

    /// <summary>Adds the flag to a verb.</summary>
    public AdapterFlags(Command command) => command.Options.Add(_adapters);

    /// <summary>The adapters, as they were named.</summary>
    /// <exception cref="UsageException">One is no name and path.</exception>
    public IReadOnlyList<AdapterSource> Read(ParseResult parsed) => [.. (parsed.GetValue(_adapters) ?? []).Select(Read)];

    private static AdapterSource Read(string text)
    {
        var equals = text.IndexOf('=');
        return equals > 0 && equals < text.Length - 1 && !string.IsNullOrWhiteSpace(text[..equals])
            ? new(text[..equals], text[(equals + 1)..])
            : throw new UsageException($"--lora is '{text}': give a name and a folder or hub id, such as --lora charts=./charts-lora.");
    }
}
