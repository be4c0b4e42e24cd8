using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaSharp.Prompts;

/// <summary>A function that a model may ask its caller to call.</summary>
public sealed record ToolDefinition
{
    /// <summary>The most characters of a name.</summary>
    public const int LongestName = 64;

    /// <summary>Describes a function.</summary>
    /// <param name="name">Letters, digits, <c>_</c>, <c>-</c> and <c>.</c>, at most 64.</param>
    /// <param name="description">What it does, for the model; null: nothing is said.</param>
    /// <param name="parameters">The JSON schema of its arguments, an object's; null: it takes none.</param>
    /// <exception cref="PromptException">The name is no such name.</exception>
    public ToolDefinition(string name, string? description = null, JsonElement? parameters = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length is 0 or > LongestName || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-' or '.'))
            throw new PromptException($"'{(name.Length > LongestName ? name[..LongestName] + "..." : name)}' is no name of a tool: it has 1 to {LongestName} of letters, digits, '_', '-' and '.'.");
        (Name, Description, Parameters) = (name, description, parameters?.Clone());
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>What it does, or null.</summary>
    public string? Description { get; }

    /// <summary>The JSON schema of its arguments, or null.</summary>
    public JsonElement? Parameters { get; }

    /// <summary>The form in which models know tools: <c>type</c>, and <c>function</c> with <c>name</c>, <c>description</c> and <c>parameters</c>.</summary>
    public JsonObject ToJson()
    {
        var function = new JsonObject { ["name"] = Name };
        if (Description is not null)
            function["description"] = Description;
        function["parameters"] = Parameters is { } parameters ? JsonNode.Parse(parameters.GetRawText()) : new JsonObject { ["type"] = "object", ["properties"] = new JsonObject() };
        return new() { ["type"] = "function", ["function"] = function };
    }

    /// <summary>Checks that tools can be told apart.</summary>
    /// <exception cref="PromptException">There are none, too many, or two of one name.</exception>
    internal static void Validate(IReadOnlyList<ToolDefinition> tools)
    {
        const int most = 128;   // OpenAI's limit
        if (tools.Count is 0 or > most)
            throw new PromptException($"There are {tools.Count} tools. Give 1 to {most}.");
        if (tools.GroupBy(tool => tool.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } doubled)
            throw new PromptException($"Two tools have the name '{doubled.Key}'. Give each its own.");
    }
}
