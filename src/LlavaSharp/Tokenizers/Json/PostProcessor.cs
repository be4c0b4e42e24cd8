using System.Text.Json;

namespace LlavaSharp.Tokenizers.Json;

/// <summary>The ids that a tokenizer.json puts before and after those of a single text.</summary>
internal sealed record PostProcessor(IReadOnlyList<int> Before, IReadOnlyList<int> After)
{
    public static PostProcessor None { get; } = new([], []);

    public static PostProcessor Read(JsonElement? component, string file)
    {
        if (component is not { } element)
            return None;
        var type = element.RequiredText("type", file);
        switch (type)
        {
            case "ByteLevel": // changes offsets only
                return None;
            case "TemplateProcessing":
                return ReadTemplate(element, file);
            case "RobertaProcessing" or "BertProcessing":
                return new PostProcessor([PairId(element, "cls", file)], [PairId(element, "sep", file)]);
            case "Sequence":
                return element.Items("processors", file).Select(item => Read(item, file))
                    .Aggregate(None, (inner, outer) => new PostProcessor([.. outer.Before, .. inner.Before], [.. inner.After, .. outer.After]));
            default:
                throw new TokenizerException(
                    $"'{file}': the post-processor '{type}' is not supported; known: TemplateProcessing, ByteLevel, RobertaProcessing, BertProcessing, Sequence.", file);
        }
    }

    private static PostProcessor ReadTemplate(JsonElement element, string file)
    {
        var ids = new Dictionary<string, int[]>();
        foreach (var (name, token) in element.Entries("special_tokens", file))
            ids[name] = [.. token.Items("ids", file).Select(id => id.Id($"an id of '{name}'", file))];
        List<int> before = [], after = [];
        var current = before;
        var sequences = 0;
        foreach (var item in element.Items("single", file))
        {
            if (item.Get("Sequence") is not null)
            {
                sequences++;
                current = after;
            }
            else if (item.Get("SpecialToken") is { } special)
            {
                var name = special.RequiredText("id", file);
                current.AddRange(ids.TryGetValue(name, out var found)
                    ? found
                    : throw new TokenizerException($"'{file}': the template names the special token '{name}', which 'special_tokens' lacks.", file));
            }
            else
            {
                throw new TokenizerException($"'{file}': a template item must be a Sequence or a SpecialToken.", file);
            }
        }
        return sequences == 1
            ? new PostProcessor(before, after)
            : throw new TokenizerException($"'{file}': the template of a single text names the text {sequences} times.", file);
    }

    private static int PairId(JsonElement element, string name, string file)
    {
        var pair = element.Items(name, file).ToArray();
        return pair.Length == 2 ? pair[1].Id($"the id of '{name}'", file) : throw new TokenizerException($"'{file}': '{name}' must be a token and its id.", file);
    }
}
